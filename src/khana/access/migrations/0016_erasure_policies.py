"""Who sees and asks for the erasure of a file; the functions that carry it out, and what they must reach."""

from django.db import migrations

from khana.access.policies import everything, guard, own, source, unguard

ERASURE = guard(
    "access_erasure",
    select=everything("alarms.read"),
    insert=f"{own('asked_by')} AND {everything('retention.run')} AND erased_at IS NULL AND confirmed_by IS NULL",
    owner=True,
)
OWNER = "CREATE POLICY identity_familycheck_owner ON identity_familycheck TO CURRENT_USER USING (true);"
UNDO = """
DROP FUNCTION khana_private.erasure_against, khana_private.erasure_by_rule, khana_private.erasure_confirm, khana_private.erasure_do,
    khana_private.erasure_stands_against;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0015_erasure"),
        ("identity", "0006_civil_event_policies"),
        ("linkage", "0004_openings"),
        ("beneficiaries", "0010_may_join"),
        ("deliveries", "0003_replaced_by"),
        ("registry", "0007_structure_policies"),
    ]

    operations = [
        migrations.RunSQL(ERASURE, unguard("access_erasure")),
        migrations.RunSQL(OWNER, "DROP POLICY identity_familycheck_owner ON identity_familycheck;"),
        migrations.RunSQL(source("erasure"), UNDO),
    ]
