"""Row policies of centres, queues and people in the field: by area, each verb under its own permission."""

from django.db import migrations

from khana.access.policies import by_area, guard, own, unguard

READ, SERVE, MANAGE = by_area("centres.read"), by_area("centres.serve"), by_area("centres.manage")

GUARDS = {
    "intake_registrationpoint": guard(
        "intake_registrationpoint",
        select=READ,
        insert=MANAGE,
        update=f"{MANAGE} OR {SERVE}",
        update_columns=("name", "desks", "valid_to", "opens", "closes", "latitude", "longitude"),
    ),
    "intake_stop": guard(
        "intake_stop", select=READ, insert=MANAGE, update=MANAGE, update_columns=("cancelled_at", "why_cancelled")
    ),
    "intake_desksession": guard(
        "intake_desksession", select=READ, insert=f"{own('actor_id')} AND ({SERVE})", update=SERVE, update_columns=("closed_at",)
    ),
    "intake_appointment": guard("intake_appointment", select=READ, insert=SERVE, update=SERVE, update_columns=("state",)),
    "intake_queuetoken": guard(
        "intake_queuetoken",
        select=READ,
        insert=SERVE,
        update=SERVE,
        update_columns=("state", "session_id", "outcome", "called_at", "done_at"),
    ),
    "intake_accreditation": guard(
        "intake_accreditation",
        select=f"{READ} OR {own('user_id')}",
        insert=MANAGE,
        update=MANAGE,
        update_columns=("withdrawn_on",),
    ),
    "intake_device": guard(
        "intake_device",
        select=f"{READ} OR {own('user_id')}",
        insert=MANAGE,
        update=MANAGE,
        update_columns=("returned_on", "state"),
    ),
    "intake_target": guard(
        "intake_target", select=READ, insert=MANAGE, update=MANAGE, update_columns=("households", "note", "actor_id", "set_at")
    ),
}


class Migration(migrations.Migration):
    dependencies = [("intake", "0003_centres"), ("access", "0003_policies_below")]

    operations = [migrations.RunSQL(body, unguard(table)) for table, body in GUARDS.items()]
