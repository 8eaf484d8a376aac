"""Row policies of dwellings, occupancies and changes of who lives with whom."""

from django.db import migrations

from khana.access.policies import by_area, guard, unguard

READ, WRITE = by_area("registry.read"), by_area("registry.write")
GUARDS = {
    "registry_dwelling": guard("registry_dwelling", select=READ, insert=WRITE),
    "registry_occupancy": guard(
        "registry_occupancy", select=READ, insert=WRITE, update=WRITE, update_columns=("valid_to", "superseded_at")
    ),
    "registry_restructuring": guard(
        "registry_restructuring",
        select=READ,
        insert=WRITE,
        update=WRITE,
        update_columns=("target_id", "confirmed_by", "confirmed_label", "in_force_at", "withdrawn_at"),
    ),
}


class Migration(migrations.Migration):
    dependencies = [("registry", "0006_structure")]

    operations = [migrations.RunSQL(body, unguard(table)) for table, body in GUARDS.items()]
