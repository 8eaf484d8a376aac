"""Passkeys and the government's provider: nobody but definer functions touches their tables."""

from django.db import migrations

from khana.access.policies import guard, source, unguard

TABLES = ("access_passkey", "access_riddle", "access_provider", "access_link")


class Migration(migrations.Migration):
    dependencies = [("access", "0013_doors_tables")]

    operations = [
        *(migrations.RunSQL(guard(table, owner=True, ids=False), unguard(table)) for table in TABLES),
        migrations.RunSQL(source("signatures"), migrations.RunSQL.noop),
        migrations.RunSQL(source("doors"), migrations.RunSQL.noop),
    ]
