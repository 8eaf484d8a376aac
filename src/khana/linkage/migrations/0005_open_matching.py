"""The worker compares the register by itself where a model is in use and nothing is laid out for it."""

from pathlib import Path

from django.db import migrations

SQL = (Path(__file__).parents[1] / "sql" / "open_matching.sql").read_text()


class Migration(migrations.Migration):
    dependencies = [("linkage", "0004_openings"), ("access", "0008_offices")]

    operations = [migrations.RunSQL(SQL, "DROP FUNCTION khana_private.linkage_open_matching();")]
