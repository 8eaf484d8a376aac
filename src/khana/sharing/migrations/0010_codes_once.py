"""The code of a person's own file opens it once, in the browser that asked for it."""

from pathlib import Path

from django.db import migrations

SQL = (Path(__file__).parents[1] / "sql" / "citizen_once.sql").read_text()
UNDO = "DROP FUNCTION khana_private.citizen_enter(bytea[], bytea, bytea, timestamptz);"


class Migration(migrations.Migration):
    dependencies = [("sharing", "0009_developers_and_cases")]

    operations = [migrations.RunSQL(SQL, UNDO)]
