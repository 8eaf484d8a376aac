"""Whether somebody may have a file already, asked at the desk over the whole country."""

from pathlib import Path

from django.db import migrations

SQL = (Path(__file__).parents[1] / "sql" / "desk.sql").read_text()
UNDO = "DROP FUNCTION khana_private.linkage_files_like(text, text, text, integer, bytea[])"


class Migration(migrations.Migration):
    dependencies = [
        ("linkage", "0002_policies"),
        ("registry", "0005_follow_aliases"),
    ]

    operations = [
        migrations.RunSQL(SQL, UNDO),
    ]
