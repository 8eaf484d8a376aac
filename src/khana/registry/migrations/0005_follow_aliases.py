"""From any id to the current file, and back to every id that stands for it."""

from pathlib import Path

from django.db import migrations

SQL = (Path(__file__).parents[1] / "sql" / "current.sql").read_text()
UNDO = """
DROP FUNCTION khana_private.registry_current(bigint, timestamptz);
DROP FUNCTION khana_private.registry_files_of(bigint, timestamptz);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("registry", "0004_alias_policies"),
    ]

    operations = [migrations.RunSQL(SQL, UNDO)]
