"""Safe values in the forms that others read: DHIS2 dataValueSets, SDMX-CSV, SDMX-JSON, and DDI for their meaning.

A hidden value leaves as not published (`OBS_STATUS` Q) or not at all, never as zero. Areas go by their P-codes, so a DHIS2
is asked with orgUnitIdScheme=code.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from xml.etree import ElementTree

from khana_methods.coverage.framework import Framework
from khana_methods.coverage.safe_values import SafeValue

FLOW = "KHANA:DF_INDICATORS(1.0)"
_DIMENSIONS = ("FREQ", "REF_AREA", "INDICATOR", "GROUP_BY", "GROUP_VALUE", "TIME_PERIOD")
_LETTERS = {"month": "M", "quarter": "Q", "half_year": "S", "year": "A"}


def period_of(day: date, frequency: str, *, sdmx: bool = False) -> str:
    """Name the period that a day lies in, as DHIS2 or SDMX write it.

    Examples:
        >>> period_of(date(2026, 6, 30), "quarter"), period_of(date(2026, 6, 30), "quarter", sdmx=True)
        ('2026Q2', '2026-Q2')
        >>> period_of(date(2026, 6, 30), "month"), period_of(date(2026, 6, 30), "year"), period_of(date(2026, 6, 30), "half_year")
        ('202606', '2026', '2026S1')
    """
    dash = "-" if sdmx else ""
    if frequency == "month":
        return f"{day.year}{'-' if sdmx else ''}{day.month:02d}"
    if frequency == "quarter":
        return f"{day.year}{dash}Q{(day.month - 1) // 3 + 1}"
    if frequency == "half_year":
        return f"{day.year}{dash}S{(day.month - 1) // 6 + 1}"
    return str(day.year)


def dhis2(framework: Framework, values: Sequence[SafeValue], as_of: date, *, made_at: datetime) -> dict[str, Any]:
    """Return one dataValueSets document: `CODE` is the figure, `CODE_N` and `CODE_D` what it is made of.

    Groups are category option combinations `BY.VALUE`; hidden values and those that divide by zero are left out.

    Source:
        DHIS2 documentation, Web API, data values (`POST /api/dataValueSets`).
    """
    by_code = {one.code: one for one in framework.indicators}
    rows: list[dict[str, str]] = []
    for value in values:
        if value.hidden:
            continue
        place = {"period": period_of(as_of, by_code[value.indicator].frequency), "orgUnit": value.area_code}
        if value.group_by:
            place["categoryOptionCombo"] = f"{value.group_by}.{value.group_value}"
        for suffix, number in (("", value.value), ("_N", value.numerator), ("_D", value.denominator)):
            if number is not None and not (suffix == "_N" and value.denominator is None):
                rows.append({"dataElement": value.indicator + suffix, **place, "value": _number(number)})
    return {
        "dataSet": framework.code, "completeDate": made_at.date().isoformat(),
        "period": period_of(as_of, framework.indicators[0].frequency), "dataValues": rows,
    }  # fmt: skip


def sdmx_csv(framework: Framework, values: Sequence[SafeValue], as_of: date) -> str:
    """Return SDMX-CSV 2.1: one row an observation.

    Source:
        SDMX Technical Working Group, SDMX-CSV 2.1 field guide.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        [
            "STRUCTURE",
            "STRUCTURE_ID",
            "ACTION",
            *_DIMENSIONS,
            "OBS_VALUE",
            "NUMERATOR",
            "DENOMINATOR",
            "UNIT_MEASURE",
            "OBS_STATUS",
        ]
    )
    units = {one.code: one.unit for one in framework.indicators}
    for value in values:
        writer.writerow(
            ["dataflow", FLOW, "I", *_place(framework, value, as_of), _cell(value.value), _cell(value.numerator),
             _cell(value.denominator), units[value.indicator], _status(value)]
        )  # fmt: skip
    return text.getvalue()


def sdmx_json(framework: Framework, values: Sequence[SafeValue], as_of: date, *, made_at: datetime) -> dict[str, Any]:
    """Return an SDMX-JSON 2.1 data message: observations by the places of their dimensions' values.

    Source:
        SDMX Technical Working Group, sdmx-json 2.1.0, data message.
    """
    places = [_place(framework, value, as_of) for value in values]
    lists = [sorted({place[at] for place in places}) for at in range(len(_DIMENSIONS))]
    at = [{code: number for number, code in enumerate(codes)} for codes in lists]
    units = sorted({one.unit for one in framework.indicators})
    statuses = ["A", "M", "Q"]
    of_unit = {one.code: units.index(one.unit) for one in framework.indicators}
    observations: dict[str, list[Any]] = {}
    for value, place in zip(values, places, strict=True):
        key = ":".join(str(at[number][code]) for number, code in enumerate(place))
        observations[key] = [
            value.value, value.numerator, value.denominator, of_unit[value.indicator], statuses.index(_status(value)),
        ]  # fmt: skip
    names = {one.code: dict(one.names) for one in framework.indicators}
    return {
        "meta": {
            "schema": "https://json.sdmx.org/2.1/sdmx-json-data-schema.json", "id": f"{framework.code}-{as_of.isoformat()}",
            "test": False, "prepared": made_at.isoformat(), "contentLanguages": sorted(framework.names),
            "sender": {"id": "KHANA"},
        },
        "data": {
            "dataSets": [{"structure": 0, "action": "Information", "observations": observations}],
            "structures": [{
                "dataSets": [0],
                "dimensions": {"observation": [
                    {"id": name, "keyPosition": number,
                     "values": [{"id": code, **({"names": names[code]} if code in names else {})} for code in codes]}
                    for number, (name, codes) in enumerate(zip(_DIMENSIONS, lists, strict=True))
                ]},
                "measures": {"observation": [{"id": "OBS_VALUE"}, {"id": "NUMERATOR"}, {"id": "DENOMINATOR"}]},
                "attributes": {"observation": [
                    {"id": "UNIT_MEASURE", "values": [{"id": unit} for unit in units]},
                    {"id": "OBS_STATUS", "values": [{"id": status} for status in statuses]},
                ]},
            }],
        },
    }  # fmt: skip


def ddi(framework: Framework, as_of: date, *, made_at: datetime, rows: int, language: str = "en") -> str:
    """Return DDI Codebook 2.5 of the table of values: what each column and each indicator is, and where it comes from.

    Source:
        DDI Alliance, DDI Codebook 2.5.
    """
    root = ElementTree.Element("codeBook", {"xmlns": "ddi:codebook:2_5", "version": "2.5", "xml:lang": language})
    study = ElementTree.SubElement(root, "stdyDscr")
    citation = ElementTree.SubElement(study, "citation")
    title = ElementTree.SubElement(citation, "titlStmt")
    _add(title, "titl", framework.names.get(language) or framework.names["en"])
    _add(title, "IDNo", f"{framework.code}-{framework.version}-{as_of.isoformat()}")
    _add(ElementTree.SubElement(citation, "prodStmt"), "prodDate", made_at.date().isoformat())
    info = ElementTree.SubElement(study, "stdyInfo")
    _add(
        info,
        "abstract",
        "Indicators computed from the registers; small cells and what would give them away are hidden.",
    )
    _add(ElementTree.SubElement(info, "sumDscr"), "timePrd", as_of.isoformat())
    file = ElementTree.SubElement(root, "fileDscr", {"ID": "F1"})
    dimensions = ElementTree.SubElement(ElementTree.SubElement(file, "fileTxt"), "dimensns")
    _add(dimensions, "caseQnty", str(rows))
    data = ElementTree.SubElement(root, "dataDscr")
    for number, (name, label, kind) in enumerate(_COLUMNS, start=1):
        variable = ElementTree.SubElement(
            data, "var", {"ID": f"V{number}", "name": name, "files": "F1", "intrvl": kind}
        )
        _add(variable, "labl", label)
        if name == "indicator":
            for one in framework.indicators:
                category = ElementTree.SubElement(variable, "catgry")
                _add(category, "catValu", one.code)
                _add(category, "labl", one.name(language))
                _add(category, "txt", f"{one.definition(language)} Numerator: {one.numerator}. "
                     f"Denominator: {one.denominator or 'none'}. Unit: {one.unit}. Source: {one.source}.")  # fmt: skip
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode")


_COLUMNS = (
    ("indicator", "Code of the indicator", "discrete"), ("area_code", "P-code of the area", "discrete"),
    ("area_level", "0 country, 1 province, 2 district, 3 tehsil, 4 union", "discrete"),
    ("group_by", "Fact whose values make the groups; empty: everybody", "discrete"),
    ("group_value", "Value of that fact", "discrete"), ("numerator", "What is counted", "contin"),
    ("denominator", "What it is divided by", "contin"), ("value", "Numerator over denominator", "contin"),
    ("hidden", "Why a value is not shown: small, complementary", "discrete"),
)  # fmt: skip


def _add(parent: ElementTree.Element, tag: str, text: str) -> None:
    ElementTree.SubElement(parent, tag).text = text


def _place(framework: Framework, value: SafeValue, as_of: date) -> tuple[str, ...]:
    frequency = framework.indicator(value.indicator).frequency
    return (
        _LETTERS[frequency], value.area_code, value.indicator, value.group_by or "_T", value.group_value or "_T",
        period_of(as_of, frequency, sdmx=True),
    )  # fmt: skip


def _status(value: SafeValue) -> str:
    """Q: hidden; M: no value, nothing to divide by; A: normal (SDMX code list CL_OBS_STATUS)."""
    return "Q" if value.hidden else "M" if value.value is None else "A"


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _cell(value: float | None) -> str:
    return "" if value is None else _number(value)


def as_json(document: Mapping[str, Any]) -> str:
    """Write a document as one JSON text."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))
