"""The look-up of a number as one statement, under row security."""

from pathlib import Path

from django.db import migrations

SQL = (Path(__file__).parents[1] / "sql" / "look_up.sql").read_text()
UNDO = "DROP FUNCTION khana_private.beneficiaries_look_up(text, bytea[], date, timestamptz, timestamptz)"


class Migration(migrations.Migration):
    dependencies = [
        ("beneficiaries", "0002_policies"),
        ("registry", "0002_policies"),
    ]

    operations = [migrations.RunSQL(SQL, UNDO)]
