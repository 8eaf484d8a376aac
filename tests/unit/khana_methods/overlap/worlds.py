"""Small worlds for the tests of the consolidation: rows with every column, and one call to compare them."""

from __future__ import annotations

from datetime import date
from typing import Any

import pyarrow as pa

from khana_methods.engine.duckdb import Engine
from khana_methods.overlap.consolidate import consolidate
from khana_methods.overlap.parameters import Consolidation, Parameters
from khana_methods.records import FRAMES

AS_OF = date(2026, 6, 30)


def token(name: str) -> bytes:
    """A number, as good as any."""
    return name.encode()


def benefit(number: int, programme: str = "KFL", who: str | None = None, **other: Any) -> dict[str, Any]:
    """One list row of one beneficiary who draws for herself."""
    return {
        "benefit_id": number,
        "source": f"source-{programme}",
        "agency": "agency",
        "programme": programme,
        "period": "2026Q2",
        "period_start": date(2026, 4, 1),
        "period_end": date(2026, 6, 30),
        "area_code": "",
        "id_state": "MISSING" if who is None else "OK",
        "id_type": "CARD",
        "id_token": None if who is None else token(who),
        "birth_year": None,
        "birth_month": None,
        "birth_day": None,
        "sex": "",
        "payee_id_state": "",
        "payee_token": None,
        "mobile_token": None,
        "account_token": None,
        "amount": 100.0,
        "id_year_prefix_number": None,
        **other,
    }


def programme(code: str, **other: Any) -> dict[str, Any]:
    """One cash programme for everybody."""
    return {
        "code": code,
        "agency": "agency",
        "benefit_type": 1,
        "counts_to_cap": True,
        "min_age": None,
        "max_age": None,
        "min_age_female": None,
        "sex": "",
        "max_score": None,
        "poverty_targeted": True,
        "one_per_household": False,
        "requires": "",
        "incompatible_with": [],
        "areas": [],
        **other,
    }


def claim(who: str, person: int, home: int, area: str = "X101") -> dict[str, Any]:
    """One number claimed by one registered person."""
    return {
        "token": token(who),
        "person_id": person,
        "household_id": home,
        "household_number": f"H{home}",
        "line_no": person,
        "area_code": area,
    }


def household(home: int, area: str = "X101", members: int = 4) -> dict[str, Any]:
    """One registered household."""
    return {"household_id": home, "household_number": f"H{home}", "area_code": area, "members": members}


def person(number: int, home: int, **other: Any) -> dict[str, Any]:
    """One registered woman of forty."""
    return {
        "person_id": number,
        "household_id": home,
        "sex": "F",
        "birth_year": 1986,
        "birth_month": 1,
        "birth_day": 1,
        "marital": "M",
        "is_member": True,
        "pregnant": False,
        "disability": False,
        "family_no": 1,
        **other,
    }


def issued(who: str, **other: Any) -> dict[str, Any]:
    """One number of the extract."""
    return {
        "token": token(who),
        "birth_date": None,
        "status": "ALIVE",
        "death_date": None,
        "sex": "F",
        "spouse_token": None,
        "type": "CARD",
        "year_prefix": None,
        **other,
    }


def fill(engine: Engine, **frames: list[dict[str, Any]]) -> None:
    """Put frames into an engine, `benefit=` for `benefit_frame` and so on; the others are empty."""
    for name, schema in FRAMES.items():
        rows = frames.get(name.removesuffix("_frame"), [])
        engine.register(name, pa.Table.from_pylist(rows, schema=schema), schema=schema)


def compare(engine: Engine, parameters: Parameters | None = None, **frames: list[dict[str, Any]]) -> Consolidation:
    """Fill and consolidate."""
    fill(engine, **frames)
    return consolidate(engine, parameters or Parameters(as_of=AS_OF))


def findings(engine: Engine) -> set[tuple[int, str]]:
    """Which rows have which codes."""
    return set(engine.rows("SELECT benefit_id, code FROM finding"))
