"""States held by the database: the table of transitions, its triggers, and who may see and move what."""

from pathlib import Path

from django.db import migrations

from khana.access.policies import LIVE_SESSION, anywhere, by_agency_and_area, by_programme, everything, guard, own, unguard

SQL = (Path(__file__).parents[1] / "sql" / "states.sql").read_text()
UNDO = """DROP TRIGGER trial_state ON beneficiaries_trial; DROP FUNCTION khana_private.beneficiaries_hold_trial();
DROP TRIGGER enrolment_state ON beneficiaries_enrolment; DROP TRIGGER enrolment_moves ON beneficiaries_enrolment;
DROP TRIGGER stop_state ON beneficiaries_stop; DROP TRIGGER stop_moves ON beneficiaries_stop;
DROP FUNCTION khana_private.beneficiaries_hold_state(); DROP FUNCTION khana_private.beneficiaries_keep_moves();"""



def rows_of(permission):
    """Rows of the agencies and areas of the grants, and of grants that name one programme."""
    return f"{by_agency_and_area(permission)} OR {by_programme(permission)}"


READ, WRITE = rows_of("benefits.read"), rows_of("benefits.write")
DECIDE = everything("crossrules.write")
APPEAL = f"{DECIDE} OR ({rows_of('crossrules.appeal')})"
MOVE = ("state", "state_at", "changed_by", "actor_id", "reason", "note")

GUARDS = {
    "beneficiaries_transition": guard("beneficiaries_transition", select=LIVE_SESSION),
    "beneficiaries_enrolment": guard(
        "beneficiaries_enrolment",
        select=READ,
        insert=WRITE,
        update=WRITE,
        update_columns=(*MOVE, "batch_id", "enrolled_date", "reentry_from", "is_chosen", "person_id", "household_number"),
    ),
    "beneficiaries_statechange": guard("beneficiaries_statechange", select=READ, insert=f"{WRITE} OR ({APPEAL})"),
    "beneficiaries_graduation": guard(
        "beneficiaries_graduation",
        select=READ,
        insert=f"{own('actor_id')} AND ({WRITE})",
        update=WRITE,
        update_columns=("follow_up_result", "followed_up_at"),
    ),
    "beneficiaries_trial": guard(
        "beneficiaries_trial",
        select=anywhere("results.read"),
        insert=f"{own('proposed_by')} AND {DECIDE}",
        update=f"{DECIDE} OR {everything('crossrules.approve')}",
        update_columns=("state", "noticed_at", "approved_by", "appeal_until", "applied_at", "effect_sha256"),
    ),
    "beneficiaries_stop": guard(
        "beneficiaries_stop",
        select=READ,
        insert=DECIDE,
        update=APPEAL,
        update_columns=(*MOVE, "appeal_until"),
    ),
    "beneficiaries_reopened": guard(
        "beneficiaries_reopened",
        select=READ,
        insert=WRITE,
        update=WRITE,
        update_columns=("state", "settled_at", "settled_by"),
    ),
    "beneficiaries_answer": guard("beneficiaries_answer", select=READ),
}


class Migration(migrations.Migration):
    dependencies = [
        ("beneficiaries", "0008_states"),
    ]

    operations = [
        *(migrations.RunSQL(body, unguard(table)) for table, body in GUARDS.items()),
        migrations.RunSQL(SQL, UNDO),
    ]
