"""Appeals and payrolls by the current file, in the household of the appeal and wherever its people live now (decision 0040)."""

from pathlib import Path

from django.db import migrations

_SQL = Path(__file__).parents[1] / "sql"
SQL = (_SQL / "standing.sql").read_text()
UNDO = f"""
DROP FUNCTION khana_private.programmes_against(bigint[], timestamptz);
DROP FUNCTION khana_private.programmes_standing(bigint[], timestamptz);
DROP FUNCTION khana_private.programmes_upheld(timestamptz);
DROP FUNCTION khana_private.programmes_upheld_of(bigint[], timestamptz);
{(_SQL / "against.sql").read_text()}
"""


class Migration(migrations.Migration):
    dependencies = [("programmes", "0006_filters_of_one"), ("registry", "0007_structure_policies")]

    operations = [migrations.RunSQL(SQL, UNDO)]
