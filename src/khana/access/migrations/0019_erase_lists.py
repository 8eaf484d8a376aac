"""Rows of lists and kept files go by rule: who sees what was erased, the functions that erase, and what they must reach.

Every table that names a kept content must be open to the owner of the database: an erasure that could not see it would take a
content that is needed. The function that erases stops where one is closed.
"""

from django.db import migrations

from khana.access.policies import by_agency, everything, guard, source, unguard

TOMBSTONE = guard(
    "access_tombstone", select=f"{everything('alarms.read')} OR {by_agency('deliveries.read')}", owner=True
)
READ = (
    "platform_storedfile", "deliveries_batch", "deliveries_quarantinedrow", "beneficiaries_benefit", "beneficiaries_finding",
    "beneficiaries_run", "beneficiaries_source", "beneficiaries_enrolment", "beneficiaries_stop", "beneficiaries_reopened",
    "beneficiaries_answer", "grievances_case", "registry_identifier", "registry_alias", "linkage_pair", "linkage_label",
    "linkage_clustermember",
)  # fmt: skip
OWNER = (
    """
DO $$ DECLARE t text; BEGIN
    FOR t IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
        AND c.relforcerowsecurity
        AND (c.relname = ANY (ARRAY["""
    + ", ".join(f"'{table}'" for table in READ)
    + """])
             OR EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname ~ 'sha256$' AND NOT a.attisdropped)
             OR EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.confrelid = 'platform_storedfile'::regclass))
        AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = c.relname || '_owner')
    LOOP
        EXECUTE format('CREATE POLICY %I ON %I TO CURRENT_USER USING (true)', t || '_owner', t);
    END LOOP;
END $$;
"""
)
UNDO = """
DROP FUNCTION khana_private.retention_preview, khana_private.retention_erased, khana_private.retention_files,
    khana_private.retention_files_over, khana_private.retention_file_over, khana_private.retention_lists_step,
    khana_private.retention_lists_due, khana_private.retention_lists_over, khana_private.retention_list_waits,
    khana_private.retention_may_be_held, khana_private.retention_named, khana_private.retention_leftovers;
DROP FUNCTION IF EXISTS khana_private.retention_require();
DROP VIEW khana_private.retention_list_row, khana_private.retention_open_token, khana_private.retention_held_token;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0018_tombstones"),
        ("deliveries", "0004_over"),
        ("beneficiaries", "0014_first_states"),
        ("linkage", "0004_openings"),
        ("grievances", "0002_policies"),
        ("registry", "0007_structure_policies"),
        ("identity", "0007_events_follow_merges"),
        ("intake", "0011_due_policies"),
        ("monitoring", "0004_budgets_and_reports"),
        ("assessment", "0006_study_policies"),
        ("sharing", "0009_developers_and_cases"),
        ("programmes", "0005_withdrawn_lists_free"),
    ]

    operations = [
        migrations.RunSQL(TOMBSTONE, unguard("access_tombstone")),
        migrations.RunSQL(OWNER, migrations.RunSQL.noop),
        migrations.RunSQL(source("lists"), UNDO),
    ]
