"""Row policies: extracts of other registers are read as a whole or not at all."""

from django.db import migrations

from khana.access.policies import everything, guard, unguard

READ, WRITE = everything("identity.read"), everything("identity.write")
TABLES = ("identity_nationalidrecord", "identity_simrecord", "identity_publicemployee")
# a newer extract replaces an older one as a whole
GUARDS = {table: guard(table, select=READ, insert=WRITE, delete=WRITE) for table in TABLES}


class Migration(migrations.Migration):
    dependencies = [
        ("identity", "0001_initial"),
        ("access", "0003_policies_below"),
    ]

    operations = [migrations.RunSQL(body, unguard(table)) for table, body in GUARDS.items()]
