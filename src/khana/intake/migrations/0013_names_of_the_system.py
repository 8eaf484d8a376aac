"""The journey and the nightly checks open their sessions as every name of the system does."""

from pathlib import Path

from django.db import migrations

SQL = "".join((Path(__file__).parents[1] / "sql" / f"{name}.sql").read_text() for name in ("journey", "review"))


class Migration(migrations.Migration):
    dependencies = [("intake", "0012_effect_filters"), ("access", "0020_worker_by_itself")]

    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
