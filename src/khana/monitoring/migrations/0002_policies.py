"""Row policies: figures are read by who may read results, and made by who may make them, under her own name."""

from django.db import migrations

from khana.access.policies import anywhere, guard, own, unguard

WRITE = anywhere("monitoring.write")
READ = anywhere("results.read")

GUARDS = {
    table: guard(table, select=READ, insert=f"{own('actor_id')} AND {WRITE}")
    for table in ("monitoring_coveragestudy", "monitoring_indicatorsnapshot", "monitoring_outreachplan")
} | {"monitoring_indicatorvalue": guard("monitoring_indicatorvalue", select=READ, insert=WRITE)}


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0001_initial"), ("access", "0003_policies_below")]

    operations = [migrations.RunSQL(body, unguard(table)) for table, body in GUARDS.items()]
