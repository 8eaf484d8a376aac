"""Rules between programmes, tried before they bite: whose benefit would stop, what is lost, who is left with nothing.

A rule caps how many benefits of some kinds a person or household may draw, or says which programmes exclude each
other. Rules are dated, cited and applied in their order, each on what the ones before have left; what is kept is
decided by value, by age of the benefit or by a legal order, and what began before a day may be grandfathered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc
import yaml

from khana_methods.engine.duckdb import Engine
from khana_methods.errors import InputError

KEEP = {"value": "amount DESC", "oldest": "since ASC NULLS LAST", "order": "place ASC"}
UNITS = ("person", "household")
_COMMON = frozenset({"code", "kind", "unit", "keep", "order", "valid_from", "valid_to", "source", "grandfather_before"})
_OWN = {"cap": frozenset({"most", "counts"}), "exclude": frozenset({"programmes"})}
_OPTIONAL = ("household", "kind", "amount", "since", "sex", "area", "score")


class CrossRulesInvalid(InputError):
    """The rules, or the rows that they are tried on, contradict themselves."""

    code: ClassVar[str] = "overlap.crossrules.invalid"


@dataclass(frozen=True, slots=True)
class CrossRule:
    """One rule between programmes; in force from `valid_from` up to, not on, `valid_to`.

    Attributes:
        code: Its name in every record.
        kind: cap (at most `most` benefits of the kinds `counts`) or exclude (one of `programmes` at most).
        unit: person or household.
        keep: value (the largest stay), oldest, or order (as `order` lists the programmes).
        grandfather_before: Benefits that began before it stay, and count.
    """

    code: str
    kind: str
    unit: str
    keep: str
    order: tuple[str, ...]
    most: int
    counts: tuple[str, ...]
    programmes: tuple[str, ...]
    valid_from: date
    valid_to: date | None
    grandfather_before: date | None
    source: str

    def is_in_force(self, day: date) -> bool:
        """Tell whether it counts on a day."""
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


def load_cross_rules(path: Path) -> tuple[CrossRule, ...]:
    """Read rules from YAML, in the order in which they are applied.

    Raises:
        CrossRulesInvalid: All mistakes in one message.
    """
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))["rules"]
    except (yaml.YAMLError, UnicodeDecodeError, TypeError, KeyError) as error:
        raise CrossRulesInvalid(f"{path.name} is no YAML with a list 'rules'.") from error
    problems: list[str] = []
    for number, entry in enumerate(entries or [], start=1):
        named = str(entry.get("code", f"rule {number}")) if isinstance(entry, dict) else f"rule {number}"
        problems += [f"{named}: {problem}" for problem in _problems(entry)]
    codes = [entry.get("code") for entry in entries or [] if isinstance(entry, dict)]
    problems += [f"{code} stands twice" for code in dict.fromkeys(codes) if codes.count(code) > 1]
    if problems or not entries:
        raise CrossRulesInvalid(f"{path.name}: {'; '.join(problems) or 'it holds no rule'}", mistakes=len(problems))
    return tuple(_rule(entry) for entry in entries)


def _rule(entry: Mapping[str, Any]) -> CrossRule:
    return CrossRule(
        code=entry["code"], kind=entry["kind"], unit=entry.get("unit", "person"), keep=entry.get("keep", "value"),
        order=tuple(entry.get("order") or ()), most=int(entry.get("most", 1)), counts=tuple(entry.get("counts") or ("cash",)),
        programmes=tuple(entry.get("programmes") or ()), valid_from=entry["valid_from"], valid_to=entry.get("valid_to"),
        grandfather_before=entry.get("grandfather_before"), source=entry["source"],
    )  # fmt: skip


def _problems(entry: Any) -> list[str]:
    if not isinstance(entry, dict):
        return ["is no mapping"]
    found = [f"{key} is missing" for key in ("code", "kind", "valid_from", "source") if not entry.get(key)]
    kind = entry.get("kind", "")
    if kind not in _OWN:
        return [*found, "kind is cap or exclude"]
    found += [f"'{key}' is no key of a rule of kind {kind}" for key in entry if key not in _COMMON | _OWN[kind]]
    for key in ("valid_from", "valid_to", "grandfather_before"):
        if entry.get(key) is not None and not isinstance(entry[key], date):
            found.append(f"{key} is a day such as 2026-07-01")
    if entry.get("unit", "person") not in UNITS:
        found.append(f"unit is {' or '.join(UNITS)}")
    keep = entry.get("keep", "value")
    if keep not in KEEP:
        found.append(f"keep is one of {', '.join(KEEP)}")
    if keep == "order" and not entry.get("order"):
        found.append("keep by order needs the list 'order'")
    if kind == "cap" and (not isinstance(entry.get("most"), int) or entry["most"] < 0):
        found.append("most is a whole number of zero or more")
    programmes = entry.get("programmes") or []
    if kind == "exclude" and len(set(programmes)) < 2:
        found.append("programmes that exclude each other are at least two different ones")
    return found


def dry_run(
    engine: Engine, *, drawn: pa.Table, rules: Sequence[CrossRule], on: date, poor_below: float | None = None
) -> tuple[pa.Table, dict[str, Any]]:
    """Try rules on what is drawn; nothing is changed.

    Args:
        engine: Where rows are compared.
        drawn: One row a person and programme: `person`, `programme`; where known `household`, `kind` (cash if absent),
            `amount`, `since`, `sex`, `area`, `score`. The same person and programme twice is refused.
        rules: In the order of application; those not in force on the day are left out.
        on: The day.
        poor_below: Score under which a person counts as poor; poverty is not told without it.

    Returns:
        The benefits that would stop (`person`, `household`, `programme`, `rule`, `amount`), ordered; and the
        summary: rows, persons and amounts that stop, in all and by rule, programme, area, sex and poverty class, and
        `left_with_nothing`: persons, and poor ones, who drew something and would draw nothing.

    Raises:
        CrossRulesInvalid: A column is missing, a number is none, or a rule by household meets no household.

    Examples:
        >>> cap = CrossRule("cap", "cap", "person", "value", (), 1, ("cash",), (), date(2026, 1, 1), None, None, "law")
        >>> drawn = pa.table({"person": ["a", "a"], "programme": ["P", "Q"], "amount": ["5", "9"]})
        >>> with Engine(memory_mib=256, threads=1) as engine:
        ...     dry_run(engine, drawn=drawn, rules=[cap], on=date(2026, 7, 1))[0]["programme"].to_pylist()
        ['P']
    """
    names = _register(engine, drawn)
    in_force = [rule for rule in rules if rule.is_in_force(on)]
    for rule in in_force:
        if rule.unit == "household" and "household" not in names:
            raise CrossRulesInvalid(f"The rule {rule.code} is by household, and the rows name no household.")
        _apply(engine, rule)
    stops = engine.table("""SELECT person, household, programme, rule, amount FROM crossrule_row WHERE rule <> ''
        ORDER BY person, programme""")
    return stops, _summary(engine, in_force, poor_below)


def _apply(engine: Engine, rule: CrossRule) -> None:
    """Mark the rows that one rule stops among those still standing."""
    counted = "list_contains($counts, kind)" if rule.kind == "cap" else "list_contains($programmes, programme)"
    unit = "person" if rule.unit == "person" else "coalesce(nullif(household, ''), 'person ' || person)"
    before = rule.grandfather_before
    kept = "since < $before" if before else "false"
    parameters: dict[str, Any] = {
        "order": list(rule.order),
        "most": rule.most if rule.kind == "cap" else 1,
        "code": rule.code,
    }
    parameters["counts" if rule.kind == "cap" else "programmes"] = list(
        rule.counts if rule.kind == "cap" else rule.programmes
    )
    if before:
        parameters["before"] = before
    engine.run(
        f"""UPDATE crossrule_row SET rule = $code FROM (
            SELECT number, {kept} AS is_kept, row_number() OVER (
                PARTITION BY {unit} ORDER BY coalesce({kept}, false) DESC, {KEEP[rule.keep]}, programme, person) AS rank
            FROM (SELECT *, coalesce(list_position($order, programme), 1000000) AS place FROM crossrule_row
                  WHERE rule = '' AND {counted})) ranked
        WHERE crossrule_row.number = ranked.number AND ranked.rank > $most AND NOT coalesce(ranked.is_kept, false)""",
        parameters,
    )


def _summary(engine: Engine, rules: Sequence[CrossRule], poor_below: float | None) -> dict[str, Any]:
    poor = f"CASE WHEN score IS NULL THEN 'unknown' WHEN score < {float(poor_below)} THEN 'poor' ELSE 'not poor' END" if (
        poor_below is not None) else "'unknown'"  # fmt: skip
    engine.run(f"CREATE OR REPLACE VIEW crossrule_told AS SELECT *, {poor} AS poverty FROM crossrule_row")

    def by(column: str) -> list[dict[str, Any]]:
        rows = engine.rows(f"""SELECT {column}, count(*), count(DISTINCT person), coalesce(sum(amount), 0) FROM crossrule_told
            WHERE rule <> '' GROUP BY ALL ORDER BY ALL""")
        return [
            {column: value, "benefits": n, "persons": persons, "amount": amount} for value, n, persons, amount in rows
        ]

    whole = engine.rows("""SELECT count(*), count(DISTINCT person), count(*) FILTER (WHERE rule <> ''),
        count(DISTINCT person) FILTER (WHERE rule <> ''), coalesce(sum(amount) FILTER (WHERE rule <> ''), 0) FROM crossrule_told""")[
        0
    ]
    bare = engine.rows("""SELECT count(*), count(*) FILTER (WHERE poverty = 'poor') FROM (
        SELECT person, any_value(poverty) AS poverty FROM crossrule_told GROUP BY person HAVING bool_and(rule <> ''))""")[
        0
    ]
    return {
        "rules": [rule.code for rule in rules], "benefits": whole[0], "persons": whole[1], "benefits_stopped": whole[2],
        "persons_losing": whole[3], "amount_lost": whole[4], "left_with_nothing": bare[0], "poor_left_with_nothing": bare[1],
        **{f"by_{column}": by(column) for column in ("rule", "programme", "area", "sex", "poverty")},
    }  # fmt: skip


def _register(engine: Engine, frame: pa.Table) -> list[str]:
    """Make the table of typed rows; return the columns that the frame has."""
    names = [name.strip().casefold() for name in frame.schema.names]
    missing = [name for name in ("person", "programme") if name not in names]
    if missing:
        raise CrossRulesInvalid(f"The rows lack the column {', '.join(missing)}.", columns=missing)
    texts = {
        name: pc.utf8_trim_whitespace(pc.fill_null(column.cast(pa.string()), ""))
        for name, column in zip(names, frame.columns, strict=True)
    }
    blank = pa.array([""] * frame.num_rows, pa.string())
    wanted = ("person", "programme", *_OPTIONAL)
    engine.register("crossrule_text", pa.table({name: texts.get(name, blank) for name in wanted}))
    for column, kind in (("amount", "DOUBLE"), ("score", "DOUBLE"), ("since", "DATE")):
        wrong = engine.value(
            f"SELECT count(*) FROM crossrule_text WHERE {column} <> '' AND TRY_CAST({column} AS {kind}) IS NULL"
        )
        if wrong:
            raise CrossRulesInvalid(
                f"{wrong:,} rows have a value of {column} that cannot be read; days are like 2026-01-31."
            )
    twice = engine.value(
        "SELECT count(*) FROM (SELECT 1 FROM crossrule_text GROUP BY person, programme HAVING count(*) > 1)"
    )
    if twice:
        raise CrossRulesInvalid(f"{twice:,} persons stand twice with one programme: add their amounts up first.")
    engine.run("""CREATE OR REPLACE TABLE crossrule_row AS SELECT row_number() OVER (ORDER BY person, programme) AS number, person,
        programme, household, coalesce(nullif(lower(kind), ''), 'cash') AS kind, TRY_CAST(nullif(amount, '') AS DOUBLE) AS amount,
        TRY_CAST(nullif(since, '') AS DATE) AS since, sex, area, TRY_CAST(nullif(score, '') AS DOUBLE) AS score, '' AS rule
        FROM crossrule_text""")
    return names
