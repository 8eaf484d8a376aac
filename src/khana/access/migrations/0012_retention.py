"""Policies of the register of breaches and of legal holds; erasure by rule."""

from django.db import migrations

from khana.access.policies import everything, guard, source, unguard

READ, DECIDE = everything("alarms.read"), everything("alarms.decide")
GUARDS = {
    "access_breach": guard(
        "access_breach", select=READ, insert=DECIDE, update=DECIDE,
        update_columns=("number", "authority_told_at", "persons_told_at", "closed_at", "lesson"),
    ),
    "access_legalhold": guard(
        "access_legalhold", select=READ, insert=DECIDE, update=DECIDE, update_columns=("ended_at",), owner=True
    ),
}  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("access", "0011_breaches_and_holds")]

    operations = [
        *(migrations.RunSQL(body, unguard(table)) for table, body in GUARDS.items()),
        migrations.RunSQL(source("retention"), migrations.RunSQL.noop),
    ]
