"""After a bulk write the planner knows what is there at once, and not a minute later."""

from pathlib import Path

from django.db import migrations

FRESHEN = (Path(__file__).parents[1] / "sql" / "freshen.sql").read_text()


class Migration(migrations.Migration):
    dependencies = [("platform", "0002_open_runs"), ("access", "0003_policies_below")]

    operations = [migrations.RunSQL(FRESHEN, "DROP FUNCTION khana_private.platform_freshen();")]
