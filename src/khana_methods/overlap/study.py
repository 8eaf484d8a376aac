"""The compatibility study of one source: how well its list meets every register, and what to fix.

Measures are shares of the source's rows, so that two sources can be laid side by side; a share is
null where nothing can be said (an empty register, no due frequency). Each is graded on the four
levels of the ISPA tools: latent, emerging, moderate, advanced. The thresholds are Khana's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, ClassVar

from khana_methods.engine.duckdb import Engine
from khana_methods.errors import NotFound

LEVELS = ("latent", "emerging", "moderate", "advanced")

# least share for emerging, moderate, advanced
THRESHOLDS: dict[str, tuple[float, float, float]] = {
    "share_readable": (0.90, 0.98, 0.995),
    "share_usable_identifier": (0.70, 0.90, 0.98),
    "share_usable_payee_identifier": (0.70, 0.90, 0.98),
    "share_unique": (0.95, 0.98, 0.995),
    "share_in_national_id_extract": (0.75, 0.90, 0.97),
    "share_in_population_register": (0.75, 0.90, 0.97),
    "share_in_household_registry": (0.50, 0.75, 0.90),
    "share_area_matched": (0.70, 0.90, 0.98),
    "share_fresh": (0.34, 0.67, 1.0),
}

# Without these no row can be linked at all; the others may lower a verdict by one level only.
LINKING = (
    "share_readable",
    "share_usable_identifier",
    "share_usable_payee_identifier",
    "share_unique",
    "share_in_national_id_extract",
)

WHAT_TO_DO = {
    "share_readable": "Correct the rows in quarantine and have the ministry mend its export.",
    "share_usable_identifier": "Collect the identifier of every beneficiary; rows without one cannot be linked.",
    "share_usable_payee_identifier": "Collect the identifier of every payee; payments cannot be compared without it.",
    "share_unique": "Remove rows that repeat one identifier in one period.",
    "share_in_national_id_extract": "Verify identifiers with the identity authority and renew the extract.",
    "share_in_population_register": "Have people who are missing entered in the population register.",
    "share_in_household_registry": "Register the beneficiaries' households, or attach their identifiers to them.",
    "share_area_matched": "Send area codes, or add the spellings in use to the area names of the contract.",
    "share_fresh": "Send the list when it is due.",
}


class SourceEmpty(NotFound):
    """The source has no row to study."""

    code: ClassVar[str] = "overlap.study.source_empty"


@dataclass(frozen=True)
class ColumnCount:
    """One column of a list: of `rows` rows, how many are filled and how many of these are valid."""

    column: str
    rows: int
    filled: int
    valid: int

    def as_dict(self) -> dict[str, Any]:
        """Give counts and shares of one column."""
        return {
            "column": self.column,
            "share_filled": round(self.filled / self.rows, 4) if self.rows else None,
            "share_valid": round(self.valid / self.filled, 4) if self.filled else None,
        }


@dataclass(frozen=True)
class Fix:
    """One thing to fix: which measure, how bad, how many rows, what to do."""

    measure: str
    level: str
    rows: int
    what_to_do: str


@dataclass(frozen=True)
class Study:
    """How well one source meets the registers.

    Attributes:
        shares: Each measure of `THRESHOLDS`, 0 to 1, null where nothing can be said.
        levels: The level of each measure that is not null.
        verdict: The weakest of the measures that linking needs, lowered by one level where
            another measure is weaker still.
        days_late: Days since the end of the last period beyond the due frequency; null if unknown.
        columns: Completeness and validity by column.
        fixes: What to fix, most rows first.
    """

    source: str
    as_of: date
    rows: int
    quarantined: int
    periods: tuple[str, ...]
    last_period_end: date | None
    days_late: int | None
    shares: dict[str, float | None]
    levels: dict[str, str]
    verdict: str
    columns: tuple[ColumnCount, ...]
    fixes: tuple[Fix, ...]

    def as_dict(self) -> dict[str, Any]:
        """Give the study flat, as JSON can hold it: shares at the top, lists of columns and fixes."""
        return {
            "source": self.source,
            "as_of": self.as_of.isoformat(),
            "verdict": self.verdict,
            "rows": self.rows,
            "quarantined": self.quarantined,
            "last_period_end": self.last_period_end.isoformat() if self.last_period_end else None,
            "days_late": self.days_late,
            **{name: None if share is None else round(share, 4) for name, share in self.shares.items()},
            "periods": list(self.periods),
            "levels": [{"measure": name, "level": level} for name, level in self.levels.items()],
            "columns": [column.as_dict() for column in self.columns],
            "fixes": [asdict(fix) for fix in self.fixes],
        }


def study_source(
    engine: Engine,
    *,
    source: str,
    as_of: date,
    due_days: int | None = None,
    quarantined: int = 0,
    columns: Sequence[ColumnCount] = (),
) -> Study:
    """Study one source's list against every register.

    Args:
        engine: Holds `benefit_frame`, `identifier_frame`, `national_id_frame`, `resident_frame`
            and `area_frame`; the last four may be empty.
        source: Code of the source.
        as_of: The day that freshness is judged on.
        due_days: How often the list is due, in days; None where its contract does not say.
        quarantined: Rows of the source that wait in quarantine.
        columns: Counts of columns that the frame does not carry (names, addresses).

    Raises:
        SourceEmpty: No row of the source is in the frame.
    """
    counts = _counts(engine, source)
    rows = int(counts["rows"])
    if rows == 0:
        raise SourceEmpty(f"The source '{source}' has no row yet. Import a list of it first.", source=source)
    last = counts["last_period_end"]
    days_late = None if last is None or due_days is None else max(0, (as_of - last).days - due_days)
    usable = int(counts["usable"])
    shares: dict[str, float | None] = {
        "share_readable": rows / (rows + quarantined),
        "share_usable_identifier": usable / rows,
        "share_usable_payee_identifier": int(counts["payee_usable"]) / rows,
        "share_unique": int(counts["alone"]) / usable if usable else None,
        "share_in_national_id_extract": _found(engine, source, "national_id_frame", usable),
        "share_in_population_register": _found(engine, source, "resident_frame", usable),
        "share_in_household_registry": _found(engine, source, "identifier_frame", usable),
        "share_area_matched": int(counts["area_matched"]) / rows,
        "share_fresh": freshness(days_late, due_days),
    }
    levels = {name: level_of(name, share) for name, share in shares.items() if share is not None}
    return Study(
        source=source,
        as_of=as_of,
        rows=rows,
        quarantined=quarantined,
        periods=tuple(counts["periods"]),
        last_period_end=last,
        days_late=days_late,
        shares=shares,
        levels=levels,
        verdict=verdict_of(levels),
        columns=(*_columns(counts, rows), *columns),
        fixes=_fixes(shares, levels, rows + quarantined, rows, usable),
    )


def freshness(days_late: int | None, due_days: int | None) -> float | None:
    """Say how fresh a list is: 1 on time, falling evenly to 0 at three turns late.

    Examples:
        >>> freshness(0, 92), freshness(92, 92), freshness(400, 92), freshness(None, 92)
        (1.0, 0.6667, 0.0, None)
    """
    if days_late is None or not due_days:
        return None
    return round(max(0.0, 1 - days_late / (3 * due_days)), 4)


def level_of(measure: str, share: float) -> str:
    """Grade one measure.

    Examples:
        >>> level_of("share_usable_identifier", 0.95)
        'moderate'
    """
    return LEVELS[sum(share >= least for least in THRESHOLDS[measure])]


def verdict_of(levels: dict[str, str]) -> str:
    """Grade the whole source.

    Examples:
        >>> verdict_of({"share_readable": "advanced", "share_unique": "moderate", "share_fresh": "latent"})
        'emerging'
    """
    grades = {name: LEVELS.index(level) for name, level in levels.items()}
    needed = min((grade for name, grade in grades.items() if name in LINKING), default=0)
    return LEVELS[needed - 1 if min(grades.values(), default=0) < needed else needed]


def _counts(engine: Engine, source: str) -> dict[str, Any]:
    names = [
        "rows",
        "usable",
        "payee_usable",
        "alone",
        "area_matched",
        "last_period_end",
        "periods",
        "present",
        "malformed",
        "other_payee",
        "payee_present",
        "payee_malformed",
        "born",
        "born_whole",
        "born_valid",
        "sexed",
        "mobile",
        "account",
        "amount",
        "paid",
    ]
    known = "area_code <> ''"
    if engine.rows("SELECT 1 FROM area_frame LIMIT 1"):
        known = "area_code IN (SELECT area_code FROM area_frame)"
    found = engine.rows(
        f"""
        WITH mine AS (SELECT * FROM benefit_frame WHERE source = $source),
        once AS (SELECT count(*) AS alone FROM (
            SELECT 1 FROM mine WHERE id_token IS NOT NULL
            GROUP BY programme, period, id_token HAVING count(*) = 1))
        SELECT count(*), count(*) FILTER (id_token IS NOT NULL),
               count(*) FILTER (CASE WHEN payee_id_state = '' THEN id_token ELSE payee_token END IS NOT NULL),
               (SELECT alone FROM once), count(*) FILTER ({known}), max(period_end),
               coalesce(list(DISTINCT period ORDER BY period), []),
               count(*) FILTER (id_state <> 'MISSING'), count(*) FILTER (id_state = 'MALFORMED'),
               count(*) FILTER (payee_id_state <> ''), count(*) FILTER (payee_id_state IN ('OK', 'MALFORMED')),
               count(*) FILTER (payee_id_state = 'MALFORMED'),
               count(birth_year), count(birth_day),
               count(*) FILTER (birth_year BETWEEN 1900 AND year(coalesce(period_end, current_date))),
               count(*) FILTER (sex <> ''), count(mobile_token), count(account_token), count(amount),
               count(*) FILTER (amount > 0)
        FROM mine
        """,
        {"source": source},
    )
    return dict(zip(names, found[0], strict=True))


def _found(engine: Engine, source: str, register: str, usable: int) -> float | None:
    """Share of usable numbers that a register holds, by rows; None where the register is empty."""
    if not usable or not engine.rows(f"SELECT 1 FROM {register} LIMIT 1"):
        return None
    held = engine.value(
        f"SELECT count(*) FROM benefit_frame b SEMI JOIN {register} r ON r.token = b.id_token WHERE b.source = $source",
        {"source": source},
    )
    return int(held) / usable


def _columns(counts: dict[str, Any], rows: int) -> tuple[ColumnCount, ...]:
    present, malformed = int(counts["present"]), int(counts["malformed"])
    columns = [ColumnCount("beneficiary_id_number", rows, present, present - malformed)]
    if counts["other_payee"]:
        present, malformed = int(counts["payee_present"]), int(counts["payee_malformed"])
        columns.append(ColumnCount("payee_id_number", int(counts["other_payee"]), present, present - malformed))
    columns.append(ColumnCount("beneficiary_birth_date", rows, int(counts["born"]), int(counts["born_valid"])))
    for name, count in (("beneficiary_sex", "sexed"), ("mobile_number", "mobile"), ("account_number", "account")):
        columns.append(ColumnCount(name, rows, int(counts[count]), int(counts[count])))
    columns.append(ColumnCount("amount", rows, int(counts["amount"]), int(counts["paid"])))
    columns.append(ColumnCount("area_code", rows, int(counts["area_matched"]), int(counts["area_matched"])))
    return tuple(columns)


def _fixes(
    shares: dict[str, float | None], levels: dict[str, str], received: int, rows: int, usable: int
) -> tuple[Fix, ...]:
    of = {"share_readable": received, "share_unique": usable}
    of |= {name: usable for name in shares if name.startswith("share_in_")}
    fixes = [
        Fix(
            measure=name,
            level=levels[name],
            rows=round((1 - share) * of.get(name, rows)),
            what_to_do=WHAT_TO_DO[name],
        )
        for name, share in shares.items()
        if share is not None and levels[name] != "advanced"
    ]
    return tuple(sorted(fixes, key=lambda fix: (-fix.rows, fix.measure)))
