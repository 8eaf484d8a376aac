"""Row policies: forms are open to read; submissions belong to an area and to who sent them; lists to an area."""

from pathlib import Path

from django.db import migrations

from khana.access.policies import LIVE_SESSION, anywhere, by_area, guard, own, unguard

FORMS = anywhere("forms.write")
READ = f"{by_area('submissions.read')} OR {own('actor_id')}"
SEND = f"{own('actor_id')} AND ({by_area('submissions.send')})"
PROCESS = by_area("submissions.process")
LIST = by_area("entities.write")
OF_A_SUBMISSION = "EXISTS (SELECT FROM intake_submission s WHERE s.id = submission_id)"  # as its own policy shows it

GUARDS = {
    "intake_form": guard("intake_form", select=LIVE_SESSION, insert=FORMS, update=FORMS, update_columns=("title",)),
    "intake_formversion": guard(
        "intake_formversion",
        select=LIVE_SESSION,
        insert=FORMS,
        update=FORMS,
        update_columns=("state", "valid_to", "withdrawn_at"),
    ),
    "intake_submission": guard(
        "intake_submission",
        select=READ,
        insert=SEND,
        update=PROCESS,
        update_columns=(
            "state", "state_at", "reasons", "findings", "accepted", "area_path", "household_id", "form_version_id",
            "entity_uuid",
        ),
    ),
    "intake_submissionpart": guard(
        "intake_submissionpart",
        select=OF_A_SUBMISSION,
        insert=f"{own('actor_id')} AND {anywhere('submissions.send')} AND {OF_A_SUBMISSION}",
    ),
    "intake_stamp": guard(
        "intake_stamp",
        select=OF_A_SUBMISSION,
        insert=f"{own('actor_id')} AND ({anywhere('submissions.send')} OR {anywhere('submissions.process')})"
        f" AND {OF_A_SUBMISSION}",
    ),
    "intake_entity": guard("intake_entity", select=by_area("entities.read"), insert=LIST, update=LIST),
    "intake_entitychange": guard("intake_entitychange", select=by_area("submissions.read"), insert=LIST),
    "intake_assignment": guard(
        "intake_assignment", select=f"{LIST} OR {own('user_id')}", insert=LIST, update=LIST, update_columns=("valid_to",)
    ),
}  # fmt: skip
JOURNEY = (Path(__file__).parents[1] / "sql" / "journey.sql").read_text()


class Migration(migrations.Migration):
    dependencies = [
        ("intake", "0001_initial"),
        ("registry", "0002_policies"),
        ("access", "0003_policies_below"),
    ]

    operations = [
        *(migrations.RunSQL(body, unguard(table)) for table, body in GUARDS.items()),
        migrations.RunSQL(JOURNEY, "DROP FUNCTION khana_private.intake_user_id; DROP FUNCTION khana_private.intake_open_journey;"),
    ]
