"""The look-up of a number is planned once a connection, and walks merges only where there are some."""

from pathlib import Path

from django.db import migrations

SQL = (Path(__file__).parents[1] / "sql" / "look_up.sql").read_text()


class Migration(migrations.Migration):
    dependencies = [("beneficiaries", "0005_look_up_follows_merges")]

    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
