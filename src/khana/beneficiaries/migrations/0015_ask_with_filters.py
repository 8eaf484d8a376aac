"""May a number join, with the programme's exclusion filters and what stands for and against her household."""

from pathlib import Path

from django.db import migrations

SQL = (Path(__file__).parents[1] / "sql" / "ask_whole.sql").read_text()
_ARGUMENTS = "(text, bytea[], text, integer, date, timestamptz)"
UNDO = f"""
DROP FUNCTION khana_private.beneficiaries_ask_whole{_ARGUMENTS};
GRANT EXECUTE ON FUNCTION khana_private.beneficiaries_ask{_ARGUMENTS} TO khana_web, khana_worker;
"""


class Migration(migrations.Migration):
    dependencies = [("beneficiaries", "0014_first_states"), ("programmes", "0006_filters_of_one")]

    operations = [migrations.RunSQL(SQL, UNDO)]
