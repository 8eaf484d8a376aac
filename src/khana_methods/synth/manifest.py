"""The manifest and the contracts of a made-up country: how each of its files is to be read.

Written as plain YAML in the words of contracts and facts; this module knows nothing of the reader.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import yaml

from khana_methods.synth.areas import LEVELS
from khana_methods.synth.lists import headers
from khana_methods.synth.population import WORLD_DATE
from khana_methods.synth.programmes import CASH_CAP, LISTS, PROGRAMMES, SCORE_CUTOFF, ListFile
from khana_methods.synth.register_facts import REGISTER_FACTS
from khana_methods.synth.workbooks import NAMES

_DUE = {"Q": "quarterly", "H": "half_yearly", "F": "fortnightly", "-": "monthly"}
_KIND = {1: "cash", 3: "in_kind", 5: "workfare"}
Document = dict[str, Any]


def write_manifest(country: str, out: Path, empty: Collection[str] = ()) -> None:
    """Write ``sample.yaml`` and ``contracts/*.yaml``, one contract a register and list; a file without rows is not named."""
    folder = out / "contracts"
    folder.mkdir(exist_ok=True)
    language = "ur" if country == "pak" else "bn"
    contracts: dict[str, Document] = {}
    for entity, (file, facts) in REGISTER_FACTS.items():
        contracts[_slug(file)] = {
            "code": f"{country}-synth-{_slug(file).replace('_', '-')}",
            "title": f"Made-up country: {file}",
            "entity": entity,
            "country": country,
            "file": {"format": "csv", "encoding": "utf-8", "delimiter": ","},
            "facts": _for_country(facts, country),
            "date_order": "dmy",
        }
    for item in LISTS[country]:
        contracts[_slug(item.name)] = list_contract(country, item)
    for name, document in contracts.items():
        _dump(folder / f"{name}.yaml", document)
    _dump(
        out / "sample.yaml",
        {
            "version": 1,
            "country": country,
            "title": "Made-up country with planted truth",
            "world_date": WORLD_DATE,
            "areas": {
                "scheme": f"synth-{country}",
                "valid_from": WORLD_DATE.replace(year=2018, month=1, day=1),
                "files": [
                    {
                        "file": f"areas_{kind}.geojson",
                        "level": level,
                        "code": "code",
                        "name": "name_en",
                        "parent": "parent_code",
                        "names": {"en": "name_en", language: f"name_{language}"},
                        "aliases": "aliases",
                    }
                    for level, kind in enumerate(LEVELS[country], start=1)
                ],
            },
            "programmes": {
                "entity": "programme",
                "file": "programmes.csv",
                "contract": "contracts/programmes.yaml",
            },
            "programme_areas": {
                "file": "programme_areas.csv",
                "programme": "programme",
                "area_code": "district_code",
            },
            "registers": [
                {"entity": entity, "file": file, "contract": f"contracts/{_slug(file)}.yaml"}
                for entity, (file, _) in REGISTER_FACTS.items()
                if entity != "programme" and file not in empty
            ],
            "sources": [_source(country, item) for item in LISTS[country] if item.name not in empty],
            "parameters": {"cut_off": SCORE_CUTOFF, "well_off_percentile": 80, "cap": CASH_CAP},
        },
    )


def _source(country: str, item: ListFile) -> Document:
    agency = next(p.agency for p in PROGRAMMES[country] if p.code == item.programmes[0])
    return {
        "code": item.source,
        "title": item.title,
        "agency": agency,
        "programmes": list(item.programmes),
        "frequency": _due(item),
        "files": [item.name],
        "contract": f"contracts/{_slug(item.name)}.yaml",
    }


def _due(item: ListFile) -> str:
    return next(due for mark, due in _DUE.items() if mark in item.periods[0].code[4:])


def _slug(file: str) -> str:
    return file.split(".")[0]


def _for_country(facts: Document, country: str) -> Document:
    """Name the native column and the number column as the country's files do."""
    words = {
        "pak": {"NATIVE": "name_urdu", "NUMBER": "cnic"},
        "bgd": {"NATIVE": "name_bangla", "NUMBER": "id_number"},
    }[country]
    return {fact: words.get(rule, rule) if isinstance(rule, str) else rule for fact, rule in facts.items()}


def list_contract(country: str, item: ListFile) -> Document:
    """Return the contract of one list."""
    programme = next(p for p in PROGRAMMES[country] if p.code == item.programmes[0])
    document: Document = {
        "code": f"{country}-synth-{_slug(item.name).replace('_', '-')}",
        "title": item.title,
        "entity": "benefit",
        "country": country,
        "source": item.source,
        "agency": programme.agency,
        "benefit_kind": _KIND[programme.benefit_type],
        "due": _due(item),
        "file": _LAYOUTS[item.shape],
        "facts": _FACTS[item.shape](country),
        "date_order": "dmy",
    }
    if "programme" not in document["facts"]:
        document["facts"]["programme"] = {"constant": item.programmes[0]}
    if item.shape == "xlsx":
        document["carry_down"] = ["district_name"]
        if country == "pak":
            document["own_benefit_when_blank"] = ["beneficiary_id_number", "beneficiary_name"]
    return document


_LAYOUTS: dict[str, Document] = {
    "pipe": {"format": "csv", "encoding": "utf-8", "delimiter": "|"},
    "utf16": {"format": "csv", "encoding": "utf-16", "delimiter": ";"},
    "native": {"format": "csv", "encoding": "utf-8", "delimiter": ","},
    "cp1252": {"format": "csv", "encoding": "cp1252", "delimiter": ","},
    "jsonl": {"format": "jsonl", "encoding": "utf-8"},
    "xlsx": {"format": "xlsx", "header": {"lines": 2}, "sheet_pattern": "(?P<province_name>.+)"},
    "parquet": {"format": "parquet"},
}


def _pipe(country: str) -> Document:
    h = headers("pipe", country)
    return {
        "serial_number": h[0],
        "beneficiary_id_number": h[1],
        "beneficiary_name": h[2],
        "beneficiary_guardian_name": h[3],
        "province_name": h[4],
        "district_name": h[5],
        "tehsil_name": h[6],
        "office_score": h[7],
        "period": h[8],
        "amount": h[9],
        "account_number": h[10],
        "mobile_number": h[11],
        "status": h[12],
    }


def _utf16(country: str) -> Document:
    h = headers("utf16", country)
    return {
        "serial_number": h[0],
        "beneficiary_id_number": h[1],
        "beneficiary_name": h[2],
        "beneficiary_sex": {"column": h[3], "values": {"B": "M", "G": "F"}},
        "beneficiary_birth_date": h[4],
        "class_grade": h[5],
        "attendance_share": {"column": h[6], "scale": 0.01},
        "payee_id_number": h[7],
        "payee_name": h[8],
        "district_name": h[9],
        "tehsil_name": h[10],
        "period": h[11],
        "amount": h[12],
        "mobile_number": h[13],
    }


def _native(country: str) -> Document:
    h = headers("native", country)
    item = next(item for item in LISTS[country] if item.shape == "native")
    words = {
        word: p.code
        for p in PROGRAMMES[country]
        if p.code in item.programmes
        for word in (p.native, f"{p.native} 2026")
    }
    return {
        "serial_number": h[0],
        "programme": {"column": h[1], "values": words},
        "beneficiary_id_number": h[2],
        "beneficiary_name": h[3],
        "beneficiary_guardian_name": h[4],
        "province_name": h[5],
        "district_name": h[6],
        "beneficiary_birth_date": h[7],
        "period": h[8],
        "amount": h[9],
        "account_number": h[10],
        "mobile_number": h[11],
    }


def _cp1252(country: str) -> Document:
    h = headers("cp1252", country)
    return {
        "serial_number": h[0],
        "beneficiary_id_number": h[1],
        "beneficiary_name": h[2],
        "beneficiary_guardian_name": h[3],
        "beneficiary_sex": h[4],
        "beneficiary_birth_date": h[5],
        "days_worked": h[6],
        "day_rate": h[7],
        "amount": h[8],
        "district_name": h[9],
        "tehsil_name": h[10],
        "period": h[11],
        "mobile_number": h[12],
    }


def _jsonl(country: str) -> Document:
    return {
        "card_number": "card_no",
        "beneficiary_id_number": ["holder.nic", "holder_nic"],
        "beneficiary_name": ["holder.name", "holder_name"],
        "beneficiary_guardian_name": ["holder.guardian", "holder_guardian"],
        "district_name": "address.district",
        "tehsil_name": "address.tehsil",
        "period": "month",
        "amount": "value_pkr" if country == "pak" else "value_bdt",
        "mobile_number": "phone",
    }


def _xlsx(country: str) -> Document:
    n = NAMES[country]
    area = {"district_name": f"Area {n[0]}", "tehsil_name": f"Area {n[1]}"}
    mother = [f"Mother {name}" for name in n[2:6]]
    if country == "bgd":
        return {
            **area,
            "beneficiary_id_number": mother[0],
            "beneficiary_name": mother[1],
            "beneficiary_guardian_name": mother[2],
            "mobile_number": mother[3],
            "beneficiary_birth_date": "Child DOB",
            "benefit_category": "Payment Category",
            "visit_date": "Child Visit date",
            "period": "Payment Period",
            "amount": f"Payment {n[12]}",
            "account_number": "Payment Account",
            "remarks": "Payment Remarks",
        }
    return {
        **area,
        "payee_id_number": mother[0],
        "payee_name": mother[1],
        "payee_guardian_name": mother[2],
        "mobile_number": mother[3],
        "beneficiary_id_number": f"Child {n[6]}",
        "beneficiary_name": "Child Name",
        "beneficiary_birth_date": "Child DOB",
        "beneficiary_sex": "Child M/F",
        "benefit_category": "Payment Category",
        "period": "Payment Period",
        "amount": f"Payment {n[12]}",
        "account_number": "Payment Account",
        "remarks": "Payment Remarks",
    }


def _parquet(country: str) -> Document:
    return {
        "serial_number": "record_no",
        "beneficiary_id_number": "id_number",
        "beneficiary_name": "name",
        "beneficiary_guardian_name": "guardian",
        "beneficiary_sex": "sex",
        "beneficiary_birth_date": "birth_date",
        "area_code": "area_code",
        "programme": "programme",
        "period": "period",
        "amount": "amount",
        "account_number": "account",
        "mobile_number": "mobile",
    }


_FACTS = {
    "pipe": _pipe,
    "utf16": _utf16,
    "native": _native,
    "cp1252": _cp1252,
    "jsonl": _jsonl,
    "xlsx": _xlsx,
    "parquet": _parquet,
}


def _dump(path: Path, document: Document) -> None:
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)
    path.write_text(text, encoding="utf-8")
