"""A report in the manner of the published study: the same blocks in HTML and DOCX, in three languages.

`write_report` lays out what a study and a snapshot found as headings, sentences, tables and bars; the two writers know
nothing of coverage. What is hidden stays hidden: nothing here computes a figure.
"""

from __future__ import annotations

import html
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from khana_methods.coverage.framework import Framework
from khana_methods.coverage.safe_values import SafeValue
from khana_methods.yaml_text import read_yaml

LANGUAGES = ("en", "ur", "bn")


@dataclass(frozen=True, slots=True)
class Block:
    """One piece of a report: `heading`, `text`, `list`, `table`, `bars` (label, value, lower, upper), or `map`."""

    kind: str
    text: str = ""
    rows: Sequence[Sequence[str]] = ()
    header: Sequence[str] = ()
    bars: Sequence[tuple[str, float, float | None, float | None]] = ()
    shapes: Sequence[tuple[str, float | None, str]] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """What a report may tell.

    Attributes:
        as_of: Day, as text.
        figures: Of the study, as `coverage study` gives them.
        determinants: Of the study.
        notes: Notes and alarms of the study.
        framework: Of the indicators.
        values: Safe values of the snapshot.
        funnel: (name, count, conversion, mean days) by stage.
        area: Code of the area at the top.
        area_names: By code.
        shapes: Outline of each area of the map as an SVG path.
        mapped: Indicator that the map shows.
    """

    as_of: str
    figures: Sequence[Mapping[str, Any]] = ()
    determinants: Sequence[Mapping[str, Any]] = ()
    notes: Sequence[str] = ()
    framework: Framework | None = None
    values: Sequence[SafeValue] = ()
    funnel: Sequence[tuple[str, float, float | None, float | None]] = ()
    area: str = ""
    area_names: Mapping[str, str] = field(default_factory=dict)
    shapes: Mapping[str, str] = field(default_factory=dict)
    mapped: str = "COVERAGE_POOR"


@cache
def _all_words() -> dict[str, dict[str, str]]:
    loaded: dict[str, dict[str, str]] = read_yaml(Path(__file__).with_name("report_words.yaml").read_text("utf-8"))
    return loaded


def word(key: str, language: str, **values: str) -> str:
    """Return a word or sentence of the report in a language.

    Examples:
        >>> word("map", "en", name="coverage")
        'Map: coverage'
    """
    return _all_words()[key][language].format(**values)


def write_report(found: Found, language: str) -> list[Block]:
    """Lay out a report."""
    blocks = [Block("title", word("title", language)), Block("text", f"{word('as_of', language)} {found.as_of}")]
    blocks += _summary(found, language)
    blocks += _study(found, language)
    blocks += _snapshot(found, language)
    blocks += [Block("heading", word("method", language)), Block("text", word("method_text", language))]
    if found.notes:
        blocks += [Block("heading", word("notes", language)), Block("list", rows=[[note] for note in found.notes])]
    if found.framework is not None:
        blocks.append(Block("heading", word("codes", language)))
        rows = [
            [one.code, one.name(language), one.definition(language), one.numerator, one.denominator]
            for one in found.framework.indicators
        ]
        header = [word(key, language) for key in ("level", "name", "definition", "numerator", "denominator")]
        blocks.append(Block("table", rows=rows, header=["", *header[1:]]))
    return blocks


def _one(found: Found, *estimators: str) -> Mapping[str, Any] | None:
    """Return the first of these figures for all households."""
    for estimator in estimators:
        for row in found.figures:
            if (row["domain"], row["estimator"], row["weight"]) == ("all", estimator, "household"):
                return row
    return None


def _summary(found: Found, language: str) -> list[Block]:
    blocks = [Block("heading", word("summary", language))]
    share = _one(found, "registered_share_corrected", "registered_share")
    missing = _one(found, "missing_corrected", "missing")
    if share is None or missing is None:
        return [*blocks, Block("text", word("no_study", language))]
    told = {"share": _percent(share["estimate"]), "lower": _percent(share["lower"]), "upper": _percent(share["upper"])}
    counts = {"missing": _count(missing["estimate"]), "missing_lower": _count(missing["lower"]),
              "missing_upper": _count(missing["upper"])}  # fmt: skip
    blocks.append(Block("text", word("registered_text", language, **told, **counts)))
    poor = _one(found, "poor_missing_share")
    if poor is not None:
        told = {"share": _percent(poor["estimate"]), "lower": _percent(poor["lower"]), "upper": _percent(poor["upper"])}
        blocks.append(Block("text", word("poor_text", language, **told)))
    return blocks


_SECTIONS = (
    ("registered", ("registered_share", "registered_share_corrected"), True),
    ("missing", ("missing", "missing_corrected"), False),
    ("poor", ("poor_registered_share", "poor_missing_share", "poor_missing", "poor_registered_share_corrected",
              "poor_missing_corrected"), False),
    ("lists", ("dual_system_chapman", "dual_system_survey", "census_ratio"), False),
)  # fmt: skip


def _study(found: Found, language: str) -> list[Block]:
    blocks: list[Block] = []
    for key, estimators, with_bars in _SECTIONS:
        rows = [row for row in found.figures if row["estimator"] in estimators]
        if not rows:
            continue
        blocks.append(Block("heading", word(key, language)))
        if with_bars:
            shown = [
                r
                for r in rows
                if r["weight"] == "household" and r["estimator"] == estimators[0] and r["estimate"] is not None
            ]
            blocks.append(Block("bars", bars=[(str(r["level"]), r["estimate"], r["lower"], r["upper"]) for r in shown]))
        blocks.append(_figures(rows, language))
    for key, start in (("reasons", "reason: "), ("accuracy", "accuracy: ")):
        rows = [row for row in found.figures if row["estimator"].startswith(start)]
        if rows:
            blocks += [Block("heading", word(key, language)), _figures(rows, language)]
    if found.determinants:
        header = [word(key, language) for key in ("term", "effect", "lower", "upper")]
        rows_of = [
            [line["term"], *(_number(line[key]) for key in ("marginal_effect", "marginal_lower", "marginal_upper"))]
            for line in found.determinants if line["term"] != "constant"
        ]  # fmt: skip
        blocks += [Block("heading", word("determinants", language)), Block("table", rows=rows_of, header=header)]
    return blocks


def _figures(rows: Sequence[Mapping[str, Any]], language: str) -> Block:
    header = [
        "",
        *(word(key, language) for key in ("domain", "level", "weight", "estimate", "lower", "upper", "n", "note")),
    ]
    shown = []
    for row in rows:
        is_share = "share" in row["estimator"] or ": " in row["estimator"] or row["estimator"] == "census_ratio"
        show = _percent if is_share and not row["estimator"].startswith("accuracy: r") else _count
        shown.append([
            row["estimator"], row["domain"], str(row["level"]), row["weight"], show(row["estimate"]), show(row["lower"]),
            show(row["upper"]), str(row["n"]), row["note"],
        ])  # fmt: skip
    return Block("table", rows=shown, header=header)


def _snapshot(found: Found, language: str) -> list[Block]:
    blocks = [Block("heading", word("indicators", language))]
    if found.framework is None:
        return [*blocks, Block("text", word("no_snapshot", language))]
    here = {v.indicator: v for v in found.values if v.area_code == found.area and not v.group_by}
    rows = []
    for one in found.framework.indicators:
        value = here.get(one.code)
        if value is None:
            continue
        show = _percent if one.unit == "share" else _number
        rows.append([
            one.name(language), word("hidden", language) if value.hidden else show(value.value), _number(value.numerator),
            _number(value.denominator), one.definition(language),
        ])  # fmt: skip
    header = [word(key, language) for key in ("name", "value", "numerator", "denominator", "definition")]
    blocks.append(Block("table", rows=rows, header=header))
    blocks.append(Block("heading", word("funnel", language)))
    blocks += funnel_blocks(found.funnel, language)
    by_area = {
        v.area_code: v for v in found.values if v.indicator == found.mapped and v.area_level == 1 and not v.group_by
    }
    if found.shapes and by_area:
        name = found.framework.indicator(found.mapped).name(language)
        blocks.append(Block("heading", word("map", language, name=name)))
        shapes = [
            (path, by_area[code].value if code in by_area else None, found.area_names.get(code, code))
            for code, path in found.shapes.items()
        ]
        blocks.append(Block("map", shapes=shapes))
        rows = [
            [found.area_names.get(code, code), word("hidden", language) if v.hidden else _percent(v.value)]
            for code, v in sorted(by_area.items())
        ]
        blocks.append(Block("table", rows=rows, header=[word("level", language), name]))
    return blocks


def funnel_blocks(stages: Sequence[tuple[str, float, float | None, float | None]], language: str) -> list[Block]:
    """Lay out the delivery chain: bars of the first stage, and a table with conversion and delay."""
    first = max((count for _, count, _, _ in stages), default=0) or 1
    header = [word(key, language) for key in ("name", "value", "conversion", "delay")]
    rows = [[name, _count(count), _percent(conversion), _number(days)] for name, count, conversion, days in stages]
    return [
        Block("bars", bars=[(name, count / first, None, None) for name, count, _, _ in stages]),
        Block("table", rows=rows, header=header),
    ]


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


def _count(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.4g}"


def to_html(blocks: Sequence[Block], language: str, *, letters: str = "") -> str:
    """Write blocks as one page without scripts or links: it prints, and it can be sent.

    Args:
        blocks: As `write_report` lays them out.
        language: en, ur or bn.
        letters: Style that brings the letters of the language, where the reader's machine may lack them.
    """
    parts = []
    for block in blocks:
        if block.kind == "title":
            parts.append(f"<h1>{html.escape(block.text)}</h1>")
        elif block.kind == "heading":
            parts.append(f"<h2>{html.escape(block.text)}</h2>")
        elif block.kind == "text":
            parts.append(f"<p>{html.escape(block.text)}</p>")
        elif block.kind == "list":
            parts.append("<ul>" + "".join(f"<li>{html.escape(row[0])}</li>" for row in block.rows) + "</ul>")
        elif block.kind == "table":
            head = "".join(f'<th scope="col">{html.escape(cell)}</th>' for cell in block.header)
            body = "".join(
                "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in block.rows
            )
            parts.append(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")
        elif block.kind == "bars":
            parts.append(_bars(block))
        elif block.kind == "map":
            parts.append(_map(block))
    direction = "rtl" if language == "ur" else "ltr"
    title = html.escape(blocks[0].text)
    return (
        f'<!doctype html>\n<html lang="{language}" dir="{direction}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{title}</title><style>{letters}{_STYLE}</style></head>'
        f"<body><main>{''.join(parts)}</main></body></html>\n"
    )


_STYLE = (
    "body{font:16px/1.5 'Noto Nastaliq Urdu','Noto Sans Bengali',system-ui,sans-serif;margin:2rem auto;max-width:64rem;padding:0 1rem;"
    "color:#111;background:#fff}table{border-collapse:collapse;margin:1rem 0;font-size:.9rem}th,td{border-bottom:1px solid #bbb;"
    "padding:.25rem .6rem;text-align:start;vertical-align:top}svg{max-width:100%;height:auto}@page{size:A4;margin:16mm 14mm}"
    "@media print{body{margin:0;max-width:none;padding:0;font-size:11pt}h2{break-after:avoid}tr,svg{break-inside:avoid}table{font-size:8.5pt}}"
    "html[lang=ur] body{line-height:2.1}html[lang=ur] td,html[lang=ur] th{line-height:1.9}"
)


def _bars(block: Block) -> str:
    """Draw bars of shares with their intervals; the table beside says the same in text."""
    height = 26 * len(block.bars) + 10
    lines = []
    for at, (label, value, lower, upper) in enumerate(block.bars):
        top = 26 * at + 8
        wide = max(0.0, min(1.0, value)) * 420
        lines.append(
            f'<text x="190" y="{top + 13}" text-anchor="end" font-size="13">{html.escape(label[:28])}</text>'
            f'<rect x="200" y="{top}" width="{wide:.1f}" height="17" fill="#1f6f8b"/>'
        )
        if lower is not None and upper is not None:
            lines.append(f'<line x1="{200 + lower * 420:.1f}" x2="{200 + upper * 420:.1f}" y1="{top + 8.5}" y2="{top + 8.5}" '
                         'stroke="#111" stroke-width="2"/>')  # fmt: skip
        lines.append(f'<text x="630" y="{top + 13}" font-size="13">{100 * value:.1f} %</text>')
    return f'<svg viewBox="0 0 700 {height}" role="img" direction="ltr" aria-hidden="true">{"".join(lines)}</svg>'


def _map(block: Block) -> str:
    """Draw areas in five shades; an area without a value is grey."""
    shades = ("#f1eef6", "#bdc9e1", "#74a9cf", "#2b8cbe", "#045a8d")
    parts = []
    for path, value, name in block.shapes:
        fill = "#ccc" if value is None else shades[min(4, int(max(0.0, value) * 5))]
        told = "–" if value is None else f"{100 * value:.1f} %"
        parts.append(
            f'<path d="{path}" fill="{fill}" stroke="#333" stroke-width=".6"><title>{html.escape(name)}: {told}</title></path>'
        )
    return f'<svg viewBox="0 0 600 600" role="img" aria-hidden="true">{"".join(parts)}</svg>'


def to_docx(blocks: Sequence[Block], language: str) -> bytes:
    """Write blocks as a Word document: bars become tables' neighbours as text, right to left where the language is."""
    from docx import Document
    from docx.enum.text import WD_ALIGN_PARAGRAPH

    document = Document()
    is_rtl = language == "ur"

    def say(text: str, style: str | None = None) -> None:
        paragraph = document.add_paragraph(text, style=style)
        if is_rtl:
            paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT

    for block in blocks:
        if block.kind == "title":
            document.add_heading(block.text, 0)
        elif block.kind == "heading":
            document.add_heading(block.text, 1)
        elif block.kind == "text":
            say(block.text)
        elif block.kind == "list":
            for row in block.rows:
                say(row[0], "List Bullet")
        elif block.kind == "bars":
            for label, value, _, _ in block.bars:
                say(f"{label}  {'█' * round(max(0.0, min(1.0, value)) * 30)} {100 * value:.1f} %")
        elif block.kind == "table" and block.rows:
            table = document.add_table(rows=1, cols=len(block.header), style="Light Grid Accent 1")
            for cell, text in zip(table.rows[0].cells, block.header, strict=True):
                cell.text = text
            for row in block.rows:
                for cell, text in zip(table.add_row().cells, row, strict=True):
                    cell.text = text
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()
