"""Row policies of cases: read where the registry is read, answered where cases are answered; a person lodges by a definer."""

from django.db import migrations

from khana.access.policies import by_area, guard, unguard

ANSWER = by_area("cases.answer")
GUARDS = {
    "grievances_case": guard(
        "grievances_case",
        select=by_area("registry.read"),
        insert=f"({ANSWER}) AND state = 'OPEN' AND lodged_by = 'OFFICER'",
        update=ANSWER,
        update_columns=("state", "outcome", "answered_by", "answered_at", "note"),
        owner=True,
    )
}


class Migration(migrations.Migration):
    dependencies = [("grievances", "0001_initial"), ("access", "0012_retention")]

    operations = [migrations.RunSQL(body, unguard(table)) for table, body in GUARDS.items()]
