"""What else is this family entitled to: every programme that its own rule gives to a member, on one page.

The same answers as the evaluation of the whole registry gives, clause by clause. What it draws already is left out as far
as the reader may see it, and so are what excludes it and what requires a programme that it does not draw. What an exclusion
filter keeps from it is told with the filter, so that it can appeal. Unknown is not no: the page says which facts to bring.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from khana.beneficiaries import results
from khana.dossiers import programme_answers
from khana.dossiers.household_file import household_file
from khana.geo import area_names as geo
from khana.programmes import catalogue as entries
from khana.programmes import names as programmes
from khana_methods.overlap import evaluate

# what a clause asks for, in the words of who is asked for it
_BROUGHT = {"age": "birth_date"}


@dataclass(frozen=True)
class Referral:
    """What one household draws and what else it may get.

    Attributes:
        lacking: Facts without which programmes stay closed: `score`, `birth_date`, and others of the catalogue.
        kept_from: Programmes whose rule somebody of it meets and a filter keeps from everybody who does, with what these are called.
    """

    number: str
    way_down: Sequence[geo.AreaName]
    drawn: Sequence[programmes.ProgrammeName]
    offered: Sequence[programmes.ProgrammeName]
    lacking: Sequence[str]
    kept_from: Sequence[tuple[programmes.ProgrammeName, Sequence[programmes.Called]]] = ()


def referral(number: str, *, on: date, at: datetime) -> Referral:
    """Say what a household may get besides what it draws; leaves the event that its answers were read.

    Raises:
        FileNotFound: No such household in scope.
    """
    file = household_file(number)
    catalogue = programmes.catalogue()
    run = results.latest_run()
    found = results.recipients_of_household(run.id, file.facts.number) if run else []
    drawn = {code for row in found for code in row.programmes} | {line.row.programme for line in file.benefits}
    open_ = _open(drawn, catalogue)
    answers = [
        one
        for one in programme_answers.answers_for(household=file.facts.number, on=on, at=at)
        if one.programme in open_
    ]
    offered = sorted({one.programme for one in answers if one.outcome == evaluate.ELIGIBLE})
    # who is told by a filter is not asked for papers that would not help her
    lacking = _lacking(
        one.why for one in answers
        if one.outcome == evaluate.UNKNOWN and not one.filters and one.programme not in offered
    )  # fmt: skip
    kept: dict[str, list[str]] = {}
    for one in answers:
        if one.outcome == evaluate.EXCLUDED and one.programme not in offered:
            kept.setdefault(one.programme, []).append(one.why)
    names = programmes.called()[programmes.FILTER]
    return Referral(
        file.facts.number, file.way_down, [catalogue[c] for c in sorted(drawn) if c in catalogue],
        [catalogue[c] for c in offered], lacking,
        [(catalogue[c], [names[f] for f in dict.fromkeys(kept[c])]) for c in sorted(kept)],
    )  # fmt: skip


def _open(drawn: Collection[str], catalogue: dict[str, programmes.ProgrammeName]) -> set[str]:
    """Return the programmes that what is drawn neither fills, nor excludes, nor leaves without what they require."""
    required = {entry["programme"]: entry["requires"] for entry in entries.programme_entries()}
    excluded = {other for code in drawn if code in catalogue for other in catalogue[code].incompatible_with}
    return {
        code for code, one in catalogue.items()
        if code not in drawn and code not in excluded and not set(one.incompatible_with) & set(drawn)
        and (not required.get(code) or required[code] in drawn)
    }  # fmt: skip


def _lacking(reasons: Iterable[str]) -> list[str]:
    """Return the missing facts of unknown answers, score and birth first."""
    named = {_BROUGHT.get(name, name) for why in reasons for name in why.split(", ") if name.isidentifier()}
    return sorted(named, key=lambda name: (name not in ("score", "birth_date"), name != "score", name))
