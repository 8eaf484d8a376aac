"""What a grant needs to count; alarms, broken glass, idle users."""

from datetime import timedelta

from django.db import migrations
from django.utils import timezone

from khana.access.policies import everything, guard, source, unguard
from khana.access.roles import catalogue

GUARDS = {
    "access_roletrait": guard("access_roletrait", owner=True),
    "access_clearance": guard("access_clearance", owner=True),
    "access_alarm": guard("access_alarm", select=everything("alarms.read"), owner=True),
    "access_watchedsubject": guard(
        "access_watchedsubject",
        select=everything("alarms.decide"),
        insert=everything("alarms.decide"),
        delete=everything("alarms.decide"),
        owner=True,
    ),
}


def load(apps, schema_editor):
    """Say of each role what it is; staff who are there already have thirty days for training and undertaking."""
    cursor = schema_editor.connection.cursor()
    cursor.executemany(
        "INSERT INTO access_roletrait (role, is_strong, shows_people, keeps_keys, for_machines) VALUES (%s, %s, %s, %s, %s)",
        catalogue().traits(),
    )
    cursor.execute(
        "UPDATE access_rolepermission SET shows_people = true WHERE permission = ANY(%s)", [list(catalogue().people())]
    )
    now = timezone.now()
    cursor.execute(
        "INSERT INTO access_clearance (user_id, kind, title, paper_sha256, completed_on, expires_on, recorded_at)"
        " SELECT id, k, 'carried over at the upgrade', '', %s, %s, %s FROM access_user,"
        " unnest(ARRAY['TRAINING', 'UNDERTAKING']) k WHERE kind = 'STAFF'",
        [now.date(), now.date() + timedelta(days=30), now],
    )
    cursor.execute("UPDATE access_grant SET confirmed_at = %s", [now])


class Migration(migrations.Migration):
    dependencies = [("access", "0007_offices_tables"), ("audit", "0002_event_agreement_event_purpose_event_request")]

    operations = [
        *(migrations.RunSQL(body, unguard(table)) for table, body in GUARDS.items()),
        migrations.RunPython(load, migrations.RunPython.noop),
        migrations.RunSQL(source("watch") + source("offices"), migrations.RunSQL.noop),
    ]
