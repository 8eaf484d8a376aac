"""The state of one filled form for who holds its slip: a definer function, so that no session is needed."""

from pathlib import Path

from django.db import migrations

SLIP = (Path(__file__).parents[1] / "sql" / "slip.sql").read_text()


class Migration(migrations.Migration):
    dependencies = [("intake", "0004_centre_policies")]

    operations = [
        migrations.RunSQL(
            SLIP,
            "DROP POLICY intake_submission_owner ON intake_submission; DROP FUNCTION khana_private.intake_slip_state;",
        )
    ]
