"""Developers of partners see how calls ended; a person's own file with what was merged into it and her cases."""

from pathlib import Path

from django.db import migrations

from khana.access.policies import everything, guard, own, unguard

GUARDS = {
    "sharing_developer": guard(
        "sharing_developer",
        select=f"{everything('partners.read')} OR {own('user_id')}",
        insert=everything("partners.manage"),
        update=everything("partners.manage"),
        update_columns=("ended_at",),
        owner=True,
    )
}
_FOLDER = Path(__file__).parents[1] / "sql"
SQL = (_FOLDER / "citizen_cases.sql").read_text() + (_FOLDER / "developers.sql").read_text()
# what the definer functions read: an owner whom policies hold passes
READ_BY_OWNER = (
    "assessment_override", "assessment_activation", "assessment_score", "beneficiaries_stop", "programmes_filterappeal",
    "registry_alias", "registry_person", "registry_household", "registry_membership", "registry_householdversion",
    "beneficiaries_benefit", "sharing_notice", "sharing_message", "sharing_subscription",
)
GRANT = "GRANT UPDATE (last_seen_other_id) ON sharing_subscription TO khana_web, khana_worker;"
UNDO = """
DROP FUNCTION khana_private.sharing_my_calls(text, boolean, timestamptz, integer);
DROP FUNCTION khana_private.sharing_my_partner(timestamptz);
DROP FUNCTION khana_private.sharing_my_partners();
DROP FUNCTION khana_private.citizen_correct(bytea[], bytea, text, date, timestamptz);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("sharing", "0008_developers"),
        ("grievances", "0002_policies"),
        ("programmes", "0004_list_policies"),
        ("beneficiaries", "0010_may_join"),
        ("assessment", "0006_study_policies"),
        ("registry", "0007_structure_policies"),
        ("access", "0012_retention"),
    ]

    operations = [
        *(migrations.RunSQL(body, unguard(table)) for table, body in GUARDS.items()),
        *(
            migrations.RunSQL(
                f"DROP POLICY IF EXISTS {table}_owner ON {table};"
                f"CREATE POLICY {table}_owner ON {table} TO CURRENT_USER USING (true);",
                migrations.RunSQL.noop,
            )
            for table in READ_BY_OWNER
        ),
        migrations.RunSQL(GRANT, "REVOKE UPDATE (last_seen_other_id) ON sharing_subscription FROM khana_web, khana_worker;"),
        migrations.RunSQL(SQL, UNDO),
    ]
