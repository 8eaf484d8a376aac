"""Row policies of civil events: a partner adds and reads none, offices read and decide those of their area."""

from pathlib import Path

from django.db import migrations

from khana.access.policies import anywhere, by_area, everything, guard, own, unguard

GUARDS = {
    "identity_civilevent": guard(
        "identity_civilevent",
        select=f"{everything('identity.read')} OR {by_area('registry.read')}",
        insert=f"{own('partner_user_id')} AND {anywhere('dci.call')} AND state IN ('RECEIVED', 'UNREADABLE')",
        update=by_area("registry.write"),
        update_columns=("state", "decided_by", "decided_at", "decision_reason"),
        owner=True,
    ),
}
OWNER = "CREATE POLICY identity_verification_owner ON identity_verification TO CURRENT_USER USING (true);"
SQL = (Path(__file__).parents[1] / "sql" / "civil.sql").read_text()


class Migration(migrations.Migration):
    dependencies = [
        ("identity", "0005_civil_events"),
    ]

    operations = [
        *(migrations.RunSQL(body, unguard(table)) for table, body in GUARDS.items()),
        migrations.RunSQL(OWNER, "DROP POLICY identity_verification_owner ON identity_verification;"),
        migrations.RunSQL(SQL, "DROP FUNCTION khana_private.identity_place_events(uuid, bigint[], timestamptz);"),
    ]
