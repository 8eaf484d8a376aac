"""Extracts expire by themselves: the function that the worker's nightly round asks."""

from pathlib import Path

from django.db import migrations

SQL = (Path(__file__).parents[1] / "sql" / "expire.sql").read_text()
UNDO = "DROP FUNCTION khana_private.sharing_expire_extracts(timestamptz, integer);"


class Migration(migrations.Migration):
    dependencies = [("sharing", "0010_codes_once"), ("access", "0020_worker_by_itself")]

    operations = [migrations.RunSQL(SQL, UNDO)]
