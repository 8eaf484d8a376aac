"""A correction opens decisions again on every file that was merged with hers."""

from pathlib import Path

from django.db import migrations

SQL = (Path(__file__).parents[1] / "sql" / "reopen.sql").read_text()


class Migration(migrations.Migration):
    dependencies = [("beneficiaries", "0010_may_join")]

    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
