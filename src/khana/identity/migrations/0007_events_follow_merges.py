"""An event of civil registration finds everything that hangs on files which were merged, however often."""

from pathlib import Path

from django.db import migrations

SQL = (Path(__file__).parents[1] / "sql" / "civil.sql").read_text()


class Migration(migrations.Migration):
    dependencies = [
        ("identity", "0006_civil_event_policies"),
        ("registry", "0005_follow_aliases"),
    ]

    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
