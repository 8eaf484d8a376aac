"""A programme officer's home: her programmes, who waits in which state, her sources, appeals, decisions to look at again.

Counts stop at ten thousand: a page must not count a country.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from khana.beneficiaries import results, state_reads
from khana.dossiers import source_file
from khana.programmes import names as programmes

WAITING = ("SELECTED", "NOTIFIED", "ENROLLED", "SUSPENDED", "WAITLISTED")


@dataclass(frozen=True)
class ProgrammeLine:
    """One programme of hers: recipients of the last run, enrolments by state."""

    programme: programmes.ProgrammeName
    recipients: int | None
    states: Mapping[str, int]


@dataclass(frozen=True)
class OfficerHome:
    """Everything on the first page of a programme officer."""

    programmes: Sequence[ProgrammeLine]
    sources: Sequence[source_file.SourceLine]
    appeals: Sequence[state_reads.StopRow]
    reopened: Sequence[dict[str, Any]]
    follow_ups: Sequence[dict[str, Any]]


def officer_home(*, agencies: Sequence[str], today: date, at: datetime) -> OfficerHome:
    """Read the home of an officer of some agencies; of all agencies where she is bound to none."""
    mine = [one for one in programmes.catalogue().values() if not agencies or one.agency in agencies]
    run = results.latest_run()
    everywhere = results.whole_country_figures(run.id, "recipients") if run else {}
    lines = [ProgrammeLine(one, everywhere.get(one.code), state_reads.count_states(one.code, WAITING)) for one in mine]
    sources = [line for line in source_file.source_lines(at=at) if not agencies or line.source.agency in agencies]
    order = ("late", "due", "none", "fresh")
    return OfficerHome(
        lines, sorted(sources, key=lambda line: order.index(line.freshness)), state_reads.open_appeals(),
        state_reads.reopened(limit=20), state_reads.graduations(due_on=today, limit=20),
    )  # fmt: skip
