"""Enrolments and stops that are written first are held to their transitions a statement at a time."""

from pathlib import Path

from django.db import migrations

SQL = (Path(__file__).parents[1] / "sql" / "first_states.sql").read_text()
UNDO = "".join(
    f"DROP TRIGGER {kind}_first ON beneficiaries_{kind}; DROP TRIGGER {kind}_state ON beneficiaries_{kind};"
    f"CREATE TRIGGER {kind}_state BEFORE INSERT OR UPDATE ON beneficiaries_{kind}"
    f" FOR EACH ROW EXECUTE FUNCTION khana_private.beneficiaries_hold_state('{kind}');"
    for kind in ("enrolment", "stop")
) + "DROP FUNCTION khana_private.beneficiaries_hold_first();"


class Migration(migrations.Migration):
    dependencies = [("beneficiaries", "0013_recipient_by_person")]

    operations = [migrations.RunSQL(SQL, UNDO)]
