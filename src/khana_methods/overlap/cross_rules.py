"""What a rule between programmes says: dated, cited, read from YAML, checked against the others.

Three kinds: *cap* (at most so many benefits of some kinds), *exclude* (one of some programmes at most) and *after*
(not within so many cycles after another programme: "no VGD card in the two previous cycles"). Rules are applied in
their order. What is kept is decided by the person's choice, by value, by age of the benefit or by a legal order;
what began before a day may be grandfathered, and a rule may come in by area from dates of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from itertools import combinations
from pathlib import Path
from typing import Any, ClassVar

from khana_methods.errors import InputError
from khana_methods.overlap.dated_entries import check_entries, missing, no_days, read_entries, strange

KEEP = {
    "choice": "is_chosen DESC, amount DESC",
    "value": "amount DESC",
    "oldest": "since ASC NULLS LAST",
    "order": "place ASC",
}
UNITS = ("person", "household")
_COMMON = frozenset({
    "code", "kind", "unit", "keep", "order", "valid_from", "valid_to", "source", "grandfather_before", "phases",
})  # fmt: skip
_OWN = {
    "cap": frozenset({"most", "counts"}),
    "exclude": frozenset({"programmes"}),
    "after": frozenset({"programmes", "had", "cycles", "cycle_months"}),
}
_DAYS = ("valid_from", "valid_to", "grandfather_before")


class CrossRulesInvalid(InputError):
    """The rules, or the rows that they are tried on, contradict themselves."""

    code: ClassVar[str] = "overlap.crossrules.invalid"


@dataclass(frozen=True, slots=True)
class Phase:
    """From when a rule bites in some areas; codes of areas, of any level."""

    begins: date
    areas: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CrossRule:
    """One rule between programmes; in force from `valid_from` up to, not on, `valid_to`.

    Attributes:
        code: Its name in every record.
        kind: cap (at most `most` benefits of the kinds `counts`), exclude (one of `programmes` at most) or after
            (none of `programmes` within `cycles` cycles of `cycle_months` months after one of `had` ended).
        unit: person or household.
        keep: choice (what she said she keeps, then the largest), value (the largest stay), oldest, or order (as
            `order` lists the programmes).
        grandfather_before: Benefits that began before it stay, and count.
        phases: Where and from when it bites; everywhere from the first day if empty. Elsewhere benefits stay, and count.
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
    phases: tuple[Phase, ...] = ()
    had: tuple[str, ...] = ()
    cycles: int = 0
    cycle_months: int = 0

    def is_in_force(self, day: date) -> bool:
        """Tell whether it counts on a day."""
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)

    def areas_on(self, day: date) -> tuple[str, ...] | None:
        """Return the areas in which it bites on a day; None for everywhere."""
        if not self.phases:
            return None
        return tuple(code for phase in self.phases if phase.begins <= day for code in phase.areas)

    def as_entry(self) -> dict[str, Any]:
        """Return the rule as its entry in a file, days as texts: what a record keeps and `parse_cross_rules` reads."""
        entry = {name: value for name, value in asdict(self).items() if value not in ((), None, 0) or name == "most"}
        own = _COMMON | _OWN[self.kind]
        phases = [{"from": one.begins.isoformat(), "areas": list(one.areas)} for one in self.phases]
        plain = {
            name: value.isoformat() if isinstance(value, date) else list(value) if isinstance(value, tuple) else value
            for name, value in entry.items() if name in own and name != "phases"
        }  # fmt: skip
        return {**plain, **({"phases": phases} if phases else {})}


def load_cross_rules(path: Path) -> tuple[CrossRule, ...]:
    """Read rules from YAML, in the order in which they are applied.

    Raises:
        CrossRulesInvalid: All mistakes in one message, contradictions between rules too.
    """
    entries = read_entries(path, key="rules", noun="rule", problems_of=_problems, error=CrossRulesInvalid)
    return _consistent([_rule(entry) for entry in entries], path.name)


def parse_cross_rules(entries: Any, *, where: str = "the rules") -> tuple[CrossRule, ...]:
    """Read rules from a list that a record or a page holds; days may be texts such as 2026-07-01.

    Raises:
        CrossRulesInvalid: All mistakes in one message.
    """
    dated = [_with_days(one) for one in entries] if isinstance(entries, list) else entries
    found = check_entries(dated, where=where, noun="rule", problems_of=_problems, error=CrossRulesInvalid)
    return _consistent([_rule(entry) for entry in found], where)


def _with_days(entry: Any) -> Any:
    if not isinstance(entry, dict):
        return entry
    days = {key: _day(entry[key]) for key in _DAYS if key in entry}
    phases = [
        {**one, "from": _day(one.get("from"))} if isinstance(one, dict) else one for one in entry.get("phases") or []
    ]
    return {**entry, **days, **({"phases": phases} if "phases" in entry else {})}


def _day(value: Any) -> Any:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _rule(entry: Mapping[str, Any]) -> CrossRule:
    return CrossRule(
        code=entry["code"], kind=entry["kind"], unit=entry.get("unit", "person"), keep=entry.get("keep", "value"),
        order=tuple(entry.get("order") or ()), most=int(entry.get("most", 1)), counts=tuple(entry.get("counts") or ("cash",)),
        programmes=tuple(entry.get("programmes") or ()), valid_from=entry["valid_from"], valid_to=entry.get("valid_to"),
        grandfather_before=entry.get("grandfather_before"), source=entry["source"],
        phases=tuple(Phase(one["from"], tuple(one["areas"])) for one in entry.get("phases") or ()),
        had=tuple(entry.get("had") or ()), cycles=int(entry.get("cycles", 0)), cycle_months=int(entry.get("cycle_months", 0)),
    )  # fmt: skip


def _problems(entry: Mapping[str, Any]) -> list[str]:
    found = missing(entry, ("code", "kind", "valid_from", "source"))
    kind = entry.get("kind", "")
    if kind not in _OWN:
        return [*found, f"kind is {', '.join(list(_OWN)[:-1])} or {list(_OWN)[-1]}"]
    found += strange(entry, _COMMON | _OWN[kind], f"rule of kind {kind}")
    found += no_days(entry, _DAYS)
    if entry.get("unit", "person") not in UNITS:
        found.append(f"unit is {' or '.join(UNITS)}")
    keep = entry.get("keep", "value")
    if keep not in KEEP:
        found.append(f"keep is one of {', '.join(KEEP)}")
    if keep == "order" and not entry.get("order"):
        found.append("keep by order needs the list 'order'")
    if kind == "cap" and (not isinstance(entry.get("most"), int) or entry["most"] < 0):
        found.append("most is a whole number of zero or more")
    return [*found, *_programme_problems(entry, kind), *_phase_problems(entry)]


def _programme_problems(entry: Mapping[str, Any], kind: str) -> Iterator[str]:
    programmes = entry.get("programmes") or []
    if kind == "exclude" and len(set(programmes)) < 2:
        yield "programmes that exclude each other are at least two different ones"
    if kind == "after":
        if not programmes or not entry.get("had"):
            yield "a rule of kind after names 'programmes' and, under 'had', those that they may not follow"
        for key in ("cycles", "cycle_months"):
            if not isinstance(entry.get(key), int) or entry[key] < 1:
                yield f"{key} is a whole number of one or more"


def _phase_problems(entry: Mapping[str, Any]) -> Iterator[str]:
    for one in entry.get("phases") or []:
        if not isinstance(one, dict) or not isinstance(one.get("from"), date) or not one.get("areas"):
            yield "a phase is {from: a day, areas: [codes]}"


def _consistent(rules: Sequence[CrossRule], where: str) -> tuple[CrossRule, ...]:
    found = list(contradictions(rules))
    if found:
        raise CrossRulesInvalid(f"{where}: {'; '.join(found)}", mistakes=len(found))
    return tuple(rules)


def contradictions(rules: Sequence[CrossRule], requires: Mapping[str, str] | None = None) -> Iterator[str]:
    """Say which rules cannot both be meant.

    Two rules that are in force together and exclude the same pair, each keeping what the other stops by a legal order,
    contradict each other; so does a rule that excludes a programme from the one which it requires.

    Args:
        rules: In any order.
        requires: Programme -> the programme that it may only be drawn beside, as the catalogue says.

    Examples:
        >>> one, two = (CrossRule(code, "exclude", "person", "order", order, 1, ("cash",), ("A", "B"), date(2026, 1, 1),
        ...     None, None, "law") for code, order in (("x", ("A", "B")), ("y", ("B", "A"))))
        >>> list(contradictions([one, two]))
        ['x keeps A before B and y keeps B before A']
    """
    for one, two in combinations(rules, 2):
        if not _meet(one, two) or one.keep != "order" or two.keep != "order":
            continue
        both = [code for code in one.order if code in two.order]
        for first, second in combinations(both, 2):
            if two.order.index(first) > two.order.index(second) and {first, second} <= _touched(one) & _touched(two):
                yield f"{one.code} keeps {first} before {second} and {two.code} keeps {second} before {first}"
    for rule in rules:
        for programme in rule.programmes if rule.kind == "exclude" else ():
            other = (requires or {}).get(programme, "")
            if other in rule.programmes:
                yield f"{rule.code} excludes {programme} from {other}, which {programme} requires"


def _meet(one: CrossRule, two: CrossRule) -> bool:
    starts, ends = max(one.valid_from, two.valid_from), [day for day in (one.valid_to, two.valid_to) if day]
    return not ends or starts < min(ends)


def _touched(rule: CrossRule) -> set[str]:
    return set(rule.programmes) if rule.kind != "cap" else set(rule.order)
