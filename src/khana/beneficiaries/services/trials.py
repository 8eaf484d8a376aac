"""Rules between programmes, step by step: a dry run kept, a second person's yes, notice, appeal, decision, effect.

Whose benefit stops is fixed by the dry run: the effect takes its rows and no others. Every move of a stop is a
record (`sql/states.sql`), and nothing takes effect before the appeal window is over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa
from django.db import transaction

from khana.access import services as access
from khana.audit import services as audit
from khana.beneficiaries.models import Reopened, Stop, Trial
from khana.beneficiaries.moves import MoveRefused, NothingThere, held_by_the_database
from khana.platform import bulk
from khana_methods.errors import InputError

STOP = [
    ("recipient_id", "bigint"), ("programme", "text"), ("agency", "text DEFAULT ''"), ("rule", "text"), ("amount", "numeric(14,2)"),
    ("poverty", "text DEFAULT ''"),
]  # fmt: skip
_HASH = """SELECT encode(sha256(convert_to(coalesce(string_agg(s.recipient_id || ':' || s.programme, E'\\n'
    ORDER BY s.recipient_id, s.programme), ''), 'UTF8')), 'hex') FROM """
SHORTEST_WINDOW = 7


@transaction.atomic
def record_trial(
    *,
    run_id: int,
    on: date,
    rules: Sequence[Mapping[str, Any]],
    parameters: Mapping[str, Any],
    summary: Mapping[str, Any],
    stops: Callable[[], Iterable[pa.RecordBatch]],
    at: datetime,
) -> int:
    """Keep a dry run with every benefit that would stop; nothing stops by it. Needs `crossrules.write` everywhere.

    Args:
        run_id: The run of the registry that it was tried on.
        on: The day whose rules counted.
        rules: As entries of a file.
        parameters: What was asked with.
        summary: What it would do, in numbers.
        stops: Batches with the columns of `STOP`.
        at: When.

    Returns:
        The number of the trial.
    """
    access.require("crossrules.write", everywhere=True)
    cursor = bulk.raw_cursor()
    bulk.make_staging(cursor, "_stop", STOP)
    for batch in stops():
        bulk.copy_in(cursor, "_stop", pa.Table.from_batches([batch]))
    hashed = str(cursor.execute(f"{_HASH} _stop s".encode()).fetchall()[0][0])
    trial = Trial.objects.create(
        run_id=run_id, on_day=on, rules=list(rules), parameters=dict(parameters), summary=dict(summary), stops_sha256=hashed,
        tried_at=at, proposed_by=access.actor_id(),
    )  # fmt: skip
    cursor.execute(
        """INSERT INTO beneficiaries_stop (trial_id, recipient_id, id_token, person_id, household_number, programme, agency,
                  area_path, rule, amount, poverty, state, state_at, changed_by, actor_id, reason, note)
           SELECT %(trial)s, r.id, r.id_token, r.person_id, r.household_number, s.programme, s.agency, r.area_path, s.rule,
                  s.amount, s.poverty, 'PROPOSED', %(at)s, 'RUN', %(actor)s, s.rule, ''
           FROM _stop s JOIN beneficiaries_recipient r ON r.id = s.recipient_id AND r.run_id = %(run)s""",
        {"trial": trial.pk, "at": at, "actor": access.actor_id(), "run": run_id},
    )
    audit.record(
        action="beneficiaries.trial.recorded", subject=f"trial:{trial.pk}",
        details={"run": run_id, "stops": cursor.rowcount, "sha256": hashed}, at=at,
    )  # fmt: skip
    return int(trial.pk)


def get_trial(trial_id: int) -> Trial:
    """Return one trial.

    Raises:
        NothingThere: There is none.
    """
    found = Trial.objects.filter(pk=trial_id).first()
    if found is None:
        raise NothingThere("There is no such trial. `khana crossrules trials` shows them.", trial=trial_id)
    return found


def approve_trial(*, trial_id: int, at: datetime) -> None:
    """Say yes to a trial that somebody else made: notice may be given. Needs `crossrules.approve` everywhere.

    Raises:
        MoveRefused: It was approved already, or it is your own.
    """
    access.require("crossrules.approve", everywhere=True)
    trial = get_trial(trial_id)
    if trial.state != Trial.State.TRIED or trial.approved_by is not None:
        raise MoveRefused("It waits for no approval: it is approved already, or closed.", what="approval")
    if trial.proposed_by == access.actor_id():
        raise MoveRefused("You tried it yourself: a second person approves.", what="approval")
    with held_by_the_database():
        Trial.objects.filter(pk=trial_id).update(approved_by=access.actor_id())
        audit.record(action="beneficiaries.trial.approved", subject=f"trial:{trial_id}", at=at)


def give_notice(*, trial_id: int, appeal_days: int = 30, at: datetime) -> dict[str, Any]:
    """Give notice of every stop of an approved trial; from here her days to appeal count. Needs `crossrules.write`.

    Args:
        trial_id: Which.
        appeal_days: How long a person may appeal; a week at least.
        at: When; the letters bear it.

    Returns:
        `notices` and `appeal_until`.

    Raises:
        MoveRefused: Nobody approved it, or notice was given.
    """
    access.require("crossrules.write", everywhere=True)
    if appeal_days < SHORTEST_WINDOW:
        raise InputError(f"A person has at least {SHORTEST_WINDOW} days to appeal.")
    trial = get_trial(trial_id)
    until = (at + timedelta(days=appeal_days)).date()
    with held_by_the_database():
        Trial.objects.filter(pk=trial_id).update(state=Trial.State.NOTICED, noticed_at=at, appeal_until=until)
        stops = Stop.objects.filter(trial_id=trial_id, state="PROPOSED")
        told = stops.update(state="NOTIFIED", appeal_until=until, **_moved("", at))
        audit.record(action="beneficiaries.trial.noticed", subject=f"trial:{trial.pk}",
                     details={"notices": told, "until": until.isoformat()}, at=at)  # fmt: skip
    return {"notices": told, "appeal_until": until}


def _moved(note: str, at: datetime) -> dict[str, Any]:
    return {"state_at": at, "changed_by": "HUMAN", "actor_id": access.actor_id(), "note": note[:500]}


def get_stop(stop_id: int) -> Stop:
    """Return one stop within the scope.

    Raises:
        NothingThere: There is none.
    """
    found = Stop.objects.filter(pk=stop_id).first()
    if found is None:
        raise NothingThere("There is no such stop within your agency and area.", stop=stop_id)
    return found


def appeal(*, stop_id: int, note: str, at: datetime) -> None:
    """Lodge a person's appeal against one stop, within her days. Needs `crossrules.appeal`.

    Raises:
        MoveRefused: No notice was given, her days are over, or it is decided.
    """
    access.require("crossrules.appeal")
    get_stop(stop_id)
    with held_by_the_database():
        Stop.objects.filter(pk=stop_id).update(state="APPEALED", **_moved(note, at))
        audit.record(action="beneficiaries.stop.appealed", subject=f"stop:{stop_id}", at=at)


def decide(*, stop_id: int, is_allowed: bool, note: str, at: datetime) -> None:
    """Decide an appeal: she keeps the benefit, or the stop stands. Needs `crossrules.write` everywhere."""
    access.require("crossrules.write", everywhere=True)
    if not note.strip():
        raise InputError("A decision says why.")
    get_stop(stop_id)
    with held_by_the_database():
        Stop.objects.filter(pk=stop_id).update(state="ALLOWED" if is_allowed else "UPHELD", **_moved(note, at))
        audit.record(
            action="beneficiaries.stop.decided", subject=f"stop:{stop_id}", details={"allowed": is_allowed}, at=at
        )


def apply_trial(*, trial_id: int, at: datetime) -> dict[str, Any]:
    """Put every stop of a noticed trial into effect that no appeal holds. Needs `crossrules.write` everywhere.

    The person leaves the programme (INELIGIBLE_FOUND, with the rule); the next consolidation refuses rows that
    still list her. Appeals that wait are left to their decision, and are counted.

    Returns:
        `proposed`, `effective`, `allowed`, `waiting` (appeals without decision), `reopened`, `without_number` and
        `is_as_tried`: whether each benefit of the dry run, and no other, has stopped, but for those.

    Raises:
        MoveRefused: The appeal window is open, or no notice was given.
    """
    access.require("crossrules.write", everywhere=True)
    trial = get_trial(trial_id)
    if trial.state != Trial.State.NOTICED:
        raise MoveRefused(f"The trial is {trial.state}: notice comes first, and it takes effect once.", what="trial")
    if trial.appeal_until is None or at.date() <= trial.appeal_until:
        raise MoveRefused(
            f"Persons may appeal until {trial.appeal_until}: nothing takes effect before.", what="appeal window"
        )
    with held_by_the_database():
        # what a source has corrected since waits until somebody has looked
        waits_for_a_look = Reopened.objects.filter(subject="stop", state="OPEN").values("subject_id")
        stops = Stop.objects.filter(trial_id=trial_id, state__in=("NOTIFIED", "UPHELD")).exclude(
            pk__in=waits_for_a_look
        )
        stops.update(state="EFFECTIVE", **_moved("", at))
        cursor = bulk.raw_cursor()
        asked = {"trial": trial_id, "at": at, "actor": access.actor_id()}
        for statement in (_LEAVE, _LEFT):
            cursor.execute(statement, asked)
        counts = dict(cursor.execute("SELECT state, count(*) FROM beneficiaries_stop WHERE trial_id = %s GROUP BY state",
                                     [trial_id]).fetchall())  # fmt: skip
        effect = str(cursor.execute(f"{_HASH} beneficiaries_stop s WHERE s.trial_id = %s AND s.state = 'EFFECTIVE'".encode(),
                                    [trial_id]).fetchall()[0][0])  # fmt: skip
        still = int(cursor.execute(_STILL_ON, [trial_id]).fetchall()[0][0])
        bare = Stop.objects.filter(trial_id=trial_id, state="EFFECTIVE", id_token__isnull=True).count()
        held = sum(counts.get(state, 0) for state in ("ALLOWED", "APPEALED", "NOTIFIED", "UPHELD", "WITHDRAWN"))
        done = {
            "proposed": sum(counts.values()), "effective": counts.get("EFFECTIVE", 0), "allowed": counts.get("ALLOWED", 0),
            "waiting": counts.get("APPEALED", 0), "reopened": counts.get("NOTIFIED", 0) + counts.get("UPHELD", 0), "without_number": bare,
            "is_as_tried": still == 0 and (held > 0 or effect == trial.stops_sha256),
        }  # fmt: skip
        waits = done["waiting"] or done["reopened"]
        changes: dict[str, Any] = {} if waits else {"state": Trial.State.APPLIED}
        Trial.objects.filter(pk=trial_id).update(effect_sha256=effect, applied_at=at, **changes)
        audit.record(action="beneficiaries.trial.applied", subject=f"trial:{trial_id}",
                     details={**done, "sha256": effect}, at=at)  # fmt: skip
    return {**done, "trial": trial_id, "state": "NOTICED" if waits else "APPLIED"}


# who is stopped leaves: first those whose enrolment is known, then those whom only a list names
_STOPPED = """(SELECT DISTINCT ON (s.programme, s.id_token) s.* FROM beneficiaries_stop s
    WHERE s.trial_id = %(trial)s AND s.state = 'EFFECTIVE' AND s.state_at = %(at)s AND s.id_token IS NOT NULL
    ORDER BY s.programme, s.id_token, s.id)"""
_LEAVE = f"""UPDATE beneficiaries_enrolment e SET state = 'EXITED', state_at = %(at)s, changed_by = 'HUMAN', actor_id = %(actor)s,
        reason = 'INELIGIBLE_FOUND', note = 'stop ' || s.id || ' by rule ' || s.rule
    FROM {_STOPPED} s WHERE e.programme = s.programme AND e.id_token = s.id_token
        AND e.state NOT IN ('EXITED', 'GRADUATED', 'DECLINED', 'WAITLISTED')"""
_LEFT = f"""INSERT INTO beneficiaries_enrolment (programme, agency, area_path, id_token, person_id, household_number, source_code,
        state, state_at, changed_by, actor_id, reason, note, is_chosen, created_at)
    SELECT s.programme, s.agency, s.area_path, s.id_token, s.person_id, s.household_number, '', 'EXITED', %(at)s, 'HUMAN', %(actor)s,
        'INELIGIBLE_FOUND', 'stop ' || s.id || ' by rule ' || s.rule, false, %(at)s
    FROM {_STOPPED} s ON CONFLICT (programme, id_token) DO NOTHING"""
_STILL_ON = """SELECT count(*) FROM beneficiaries_stop s JOIN beneficiaries_enrolment e USING (programme, id_token)
    WHERE s.trial_id = %s AND s.state = 'EFFECTIVE' AND e.state IN ('ENROLLED', 'SUSPENDED', 'NOTIFIED', 'SELECTED', 'IDENTIFIED')"""


def withdraw_trial(*, trial_id: int, note: str, at: datetime) -> None:
    """Take a trial back before it has taken effect; every stop of it is withdrawn. Needs `crossrules.write`."""
    access.require("crossrules.write", everywhere=True)
    get_trial(trial_id)
    with held_by_the_database():
        Trial.objects.filter(pk=trial_id).update(state=Trial.State.WITHDRAWN)
        stops = Stop.objects.filter(trial_id=trial_id, state__in=("PROPOSED", "NOTIFIED", "APPEALED", "UPHELD"))
        gone = stops.update(state="WITHDRAWN", **_moved(note, at))
        audit.record(
            action="beneficiaries.trial.withdrawn", subject=f"trial:{trial_id}", details={"stops": gone}, at=at
        )
