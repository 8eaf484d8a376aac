"""The report of coverage and indicators: the newest study and snapshot, or those that are named, as HTML, DOCX or PDF."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from django.contrib.staticfiles import finders

from khana.access import services as access
from khana.audit import services as audit
from khana.geo import selectors as geo
from khana.monitoring import selectors as monitoring
from khana.platform import printing
from khana.workflows.publish_indicators import overview
from khana_methods.coverage.report import Found, to_docx, to_html, write_report
from khana_methods.errors import InputError

FORMATS = ("html", "docx", "pdf")
SIDE = 600.0


class ReportFormatUnknown(InputError):
    """A report is HTML, DOCX or PDF."""

    code: ClassVar[str] = "workflows.report.format_unknown"


def run(
    *, token: str, form: str, language: str, study: int | None = None, snapshot: int | None = None, at: datetime
) -> bytes:
    """Return a report as bytes; what is not there yet is said in it.

    Args:
        token: In whose name; `results.read`.
        form: One of `FORMATS`.
        language: en, ur or bn.
        study: Number of a study; the newest if absent.
        snapshot: Number of a snapshot; the newest if absent.
        at: When.

    Raises:
        ReportFormatUnknown: Another form.
        NothingMeasured: A number that was named is not there.
    """
    if form not in FORMATS:
        raise ReportFormatUnknown(f"A report is written as {' or '.join(FORMATS)}.", format=form)
    with access.scoped(token):
        access.require("results.read")
        parts: dict[str, Any] = {"as_of": at.date().isoformat()}
        try:
            kept = monitoring.get_study(study)
            parts |= {"figures": kept.figures, "determinants": kept.determinants, "notes": kept.notes}
        except monitoring.NothingMeasured:
            if study is not None:
                raise
        try:
            parts |= _snapshot(snapshot, language)
        except monitoring.NothingMeasured:
            if snapshot is not None:
                raise
        audit.record(
            action="monitoring.report.written", subject="report", at=at, details={"format": form, "language": language}
        )
    blocks = write_report(Found(**parts), language)
    if form == "docx":
        return to_docx(blocks, language)
    page = to_html(blocks, language, letters=letters(language)).encode()
    return printing.pdf_of(page) if form == "pdf" else page


_FONTS = {"ur": ("Noto Nastaliq Urdu", "nastaliq-400.woff2"), "bn": ("Noto Sans Bengali", "bengali-400.woff2")}


def letters(language: str) -> str:
    """Return the letters of a language as a style that stands in the page itself; empty where they are not installed."""
    if language not in _FONTS:
        return ""
    name, file = _FONTS[language]
    found = finders.find(f"vendor/fonts/{file}")
    if not found:
        return ""
    text = base64.b64encode(Path(str(found)).read_bytes()).decode()
    return f"@font-face{{font-family:'{name}';src:url(data:font/woff2;base64,{text}) format('woff2')}}"


def _snapshot(number: int | None, language: str) -> dict[str, Any]:
    seen = overview(number=number, area_code="")
    framework = seen["framework"]
    names = {one.code: one.name(language) for one in framework.indicators}
    return {
        "as_of": seen["head"].as_of.isoformat(), "framework": framework, "values": seen["values"], "area": seen["area"],
        "funnel": [(names[s.indicator], s.count, s.conversion, s.days) for s in seen["funnel"]],
        "area_names": geo.list_area_names(language), "shapes": outlines(geo.get_outlines(level=1, tolerance=0.05)["features"]),
    }  # fmt: skip


def outlines(features: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Return SVG paths of GeoJSON areas in a square of 600, north up; degrees are drawn as they are."""
    rings: dict[str, list[list[list[float]]]] = {}
    for feature in features:
        shape = feature["geometry"]
        many = shape["coordinates"] if shape["type"] == "MultiPolygon" else [shape["coordinates"]]
        rings[feature["properties"]["code"]] = [ring for polygon in many for ring in polygon]
    points = [point for area in rings.values() for ring in area for point in ring]
    if not points:
        return {}
    left, low = min(p[0] for p in points), min(p[1] for p in points)
    span = max(max(p[0] for p in points) - left, max(p[1] for p in points) - low) or 1.0
    scale = SIDE / span

    def path(ring: list[list[float]]) -> str:
        return (
            "M"
            + "L".join(f"{(x - left) * scale:.1f} {SIDE - (y - low) * scale:.1f}" for x, y in (p[:2] for p in ring))
            + "Z"
        )

    return {code: "".join(path(ring) for ring in area) for code, area in rings.items()}
