"""Who asks before she enrols is answered by what stands for and against every file of a person (decision 0040)."""

from pathlib import Path

from django.db import migrations

SQL = (Path(__file__).parents[1] / "sql" / "ask_whole.sql").read_text()


class Migration(migrations.Migration):
    dependencies = [("beneficiaries", "0015_ask_with_filters"), ("programmes", "0007_appeals_follow")]

    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
