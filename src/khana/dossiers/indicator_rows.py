"""The households behind one figure of one area: the same relations and rules as the snapshot, over her scope alone.

Nothing here reads a country: an area with more than `MOST` households is told to go down one level. What is counted is
the state that the snapshot names (its day, what was known then, its consolidation); what the reader may not see is absent,
and that is said by the count beside.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from khana.access import services as access
from khana.assessment import frames as assessment
from khana.beneficiaries import chain_frames as chain
from khana.beneficiaries import frames as beneficiaries
from khana.deliveries import selectors as deliveries
from khana.geo import area_names as geo
from khana.monitoring import selectors as monitoring
from khana.monitoring.frameworks import country_in_use, framework_of
from khana.platform.frames import open_source
from khana.programmes import frames as programmes
from khana.registry import frames as registry
from khana_methods.coverage import relation_tables
from khana_methods.coverage.framework import Indicator, facts_of, rule_of
from khana_methods.engine.duckdb import Engine
from khana_methods.errors import InputError
from khana_methods.rules.compile import compile_rules

MOST = 20_000
PARTS = ("numerator", "denominator")
NOWHERE = "-"  # a path under which no area lies
_MONTHLY = re.compile(r"\bmonthly\b")
_OF_ENROLMENTS = re.compile(r"\b(enrolments|waiting)\b")


class AreaTooLarge(InputError):
    """More households than one page may read; the level below has fewer."""

    code: ClassVar[str] = "dossiers.area_too_large"


class NoHouseholds(InputError):
    """The indicator counts no households: its rows are those of lists or recipients."""

    code: ClassVar[str] = "dossiers.no_households"


@dataclass(frozen=True, slots=True)
class CountedHousehold:
    """One household that a figure counts: its number, its area and what it adds."""

    number: str
    area_code: str
    adds: float


@dataclass(frozen=True, slots=True)
class CountedRows:
    """The households of one figure that the reader may see, and how many the snapshot counts."""

    indicator: Indicator
    part: str
    rows: list[CountedHousehold]
    seen: float
    counted: float | None
    total: int


def rows_of(
    *, snapshot: int, indicator: str, area_code: str, part: str = "numerator", after: int = 0, limit: int = 50
) -> CountedRows:
    """Return one page of the households that the numerator or the denominator of a figure counts.

    Args:
        snapshot: Its number.
        indicator: Code; of households.
        area_code: Area of the figure.
        part: `numerator` or `denominator`.
        after: Rows to pass over.
        limit: Rows of the page.

    Raises:
        PermissionMissing: `registry.read`.
        AreaTooLarge: The area holds more than `MOST` households that the reader may see.
        NoHouseholds: The indicator is of recipients or of rows of lists, or has no such part.
        NothingMeasured: There is no such snapshot.
    """
    access.require("registry.read")
    head = monitoring.get_snapshot(snapshot)
    framework = framework_of(country_in_use())
    one = framework.indicator(indicator)
    text = one.numerator if part == "numerator" else one.denominator
    if one.relation != "household" or not text:
        raise NoHouseholds("This figure is not a count of households.", indicator=indicator)
    area = geo.area(area_code)
    values = {v.indicator: v for v in monitoring.list_area_values(head.id, area_code) if not v.group_by}
    whole = values.get(framework.funnel[0].code) if framework.funnel else None
    if whole is not None and (whole.numerator or 0) > MOST:  # before anything is read
        raise _too_large(int(whole.numerator or 0))
    with Engine(memory_mib=512) as engine:
        total = _read(engine, area.path if area else NOWHERE, head, text)
        rule = rule_of(one, text, head.inputs.get("parameters", {}))
        sql = compile_rules({"adds": rule}, household="household", catalogue=facts_of("household"))
        counted = "CAST(v.adds AS DOUBLE)"
        where = f"FROM ({sql}) v JOIN household r USING (household_id) WHERE coalesce({counted}, 0) <> 0"
        seen, n = engine.rows(f"SELECT coalesce(sum({counted}), 0), count(*) {where}")[0]
        rows = engine.rows(
            f"SELECT r.household_number, r.area_path, {counted} {where} "
            f"ORDER BY r.household_number LIMIT {int(limit)} OFFSET {int(after)}"
        )
    shown = getattr(values[indicator], part) if indicator in values else None
    made = [
        CountedHousehold(str(number), str(path).rstrip(".").split(".")[-1], float(adds)) for number, path, adds in rows
    ]
    return CountedRows(one, part, made, float(seen), shown, int(n) if total else 0)


def _too_large(households: int) -> AreaTooLarge:
    return AreaTooLarge(f"This area holds more than {MOST:,} households. Open an area below it.", households=households)


def _read(engine: Engine, path: str, head: monitoring.SnapshotHead, text: str) -> int:
    """Stream what the reader may see of one area, and what a rule asks, into the engine; return how many households that is."""
    known = datetime.fromisoformat(str(head.inputs["known_at"]))
    with open_source() as source:
        engine.register("given_household", registry.household_frame(source, within=path))
        keys = engine.rows("SELECT household_id, household_number FROM given_household")
        if len(keys) > MOST:
            raise _too_large(len(keys))
        engine.register(
            "given_text", registry.household_text_frame(source, as_of=head.as_of, known_at=known, within=path)
        )
        engine.register("given_marks", registry.household_marks_frame(source, within=path))
        ids = [int(number) for number, _ in keys]
        engine.register("given_score", assessment.score_frame(source, as_of=head.as_of, households=ids))
        run = head.inputs.get("run")
        numbers = [str(number) for _, number in keys]
        engine.register(
            "given_recipient", beneficiaries.recipient_frame(source, run_id=int(run or 0), households=numbers)
        )
        replaced = deliveries.replaced_batch_ids()
        drawn = numbers if _MONTHLY.search(text) else []
        engine.register(
            "given_monthly",
            chain.monthly_frame(source, run_id=int(run or 0), without_batches=replaced, households=drawn),
        )
        within = path if _OF_ENROLMENTS.search(text) else NOWHERE
        engine.register("given_number", registry.identifier_frame(source, within=within))
        tokens = [bytes(token) for (token,) in engine.rows("SELECT DISTINCT token FROM given_number")]
        engine.register("given_enrolment", chain.enrolment_frame(source, without_batches=replaced, tokens=tokens))
        engine.register("given_place", programmes.place_frame(source, households=ids if tokens else []))
    relation_tables.name_households(engine)
    relation_tables.make_enrolment(engine, head.as_of)
    parameters = head.inputs.get("parameters", {})
    edges = [float(parameters[name]) for name in sorted(parameters) if name.startswith("fifth_")]
    relation_tables.make_household(engine, head.as_of, edges)
    return len(keys)
