"""Row policies of who is due and of the calls: by area, like the queue."""

from django.db import migrations

from khana.access.policies import by_area, guard, unguard

READ, SERVE, MANAGE = by_area("centres.read"), by_area("centres.serve"), by_area("centres.manage")
GUARDS = {
    "intake_duevisit": guard(
        "intake_duevisit",
        select=READ,
        insert=MANAGE,
        update=MANAGE,
        delete=MANAGE,
        update_columns=("area_path", "facts", "stated_on", "best_before", "reckoned_at"),
    ),
    "intake_invitation": guard("intake_invitation", select=READ, insert=SERVE),
}


class Migration(migrations.Migration):
    dependencies = [("intake", "0010_due")]

    operations = [migrations.RunSQL(body, unguard(table)) for table, body in GUARDS.items()]
