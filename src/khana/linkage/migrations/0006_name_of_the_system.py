"""Matching by itself opens its session as every name of the system does."""

from pathlib import Path

from django.db import migrations

SQL = (Path(__file__).parents[1] / "sql" / "open_matching.sql").read_text()


class Migration(migrations.Migration):
    dependencies = [("linkage", "0005_open_matching"), ("access", "0020_worker_by_itself")]

    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
