"""Row policies of authorities, evidence, consent and family checks, and the definer functions behind a desk's question."""

from pathlib import Path

from django.db import migrations

from khana.access.policies import anywhere, by_area, everything, guard, own, unguard

READ, VERIFY = by_area("registry.read"), by_area("identity.verify")
SETS_UP = everything("identity.write")
GUARDS = {
    "identity_extractload": guard("identity_extractload", select=anywhere("identity.verify"), insert=SETS_UP),
    "identity_authority": guard(
        "identity_authority", select=anywhere("identity.verify"), insert=SETS_UP, update=SETS_UP,
        update_columns=("title", "base_url", "settings", "per_second", "batch_size", "tries", "timeout_seconds",
                        "max_age_days", "needs_consent", "closed_at"),
    ),
    "identity_consent": guard(
        "identity_consent", select=READ, insert=f"{own('actor_id')} AND ({VERIFY})", owner=True
    ),
    "identity_verification": guard(
        "identity_verification", select=READ, insert=f"{own('actor_id')} AND ({VERIFY})"
    ),
    "identity_familycheck": guard(
        "identity_familycheck", select=READ, insert=f"{own('actor_id')} AND ({VERIFY})",
        update=by_area("registry.write"),
        update_columns=("decision", "decision_reason", "decided_by", "decided_at"),
    ),
}  # fmt: skip
# what the definer functions read: forced row security holds the owner too
READ_BY_OWNER = ("identity_nationalidrecord", "identity_simrecord")
SQL = (Path(__file__).parents[1] / "sql" / "answers.sql").read_text()
UNDO = """
DROP FUNCTION khana_private.identity_records(bytea[]);
DROP FUNCTION khana_private.identity_ties(bytea, bigint);
DROP FUNCTION khana_private.identity_telephone(bigint);
DROP FUNCTION khana_private.identity_consent(uuid, bytea, timestamptz, interval);
"""
# extracts that came before this version keep their age
OLDER = """
ALTER TABLE identity_nationalidrecord NO FORCE ROW LEVEL SECURITY;
ALTER TABLE deliveries_batch NO FORCE ROW LEVEL SECURITY;
INSERT INTO identity_extractload (register, batch_id, rows, as_of)
SELECT 'identity_nationalidrecord', r.batch_id, count(*), max(b.loaded_at)
FROM identity_nationalidrecord r JOIN deliveries_batch b ON b.id = r.batch_id
WHERE b.loaded_at IS NOT NULL GROUP BY r.batch_id ORDER BY r.batch_id;
ALTER TABLE deliveries_batch FORCE ROW LEVEL SECURITY;
ALTER TABLE identity_nationalidrecord FORCE ROW LEVEL SECURITY;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("identity", "0003_answers"),
        ("registry", "0004_alias_policies"),
        ("deliveries", "0002_policies"),
    ]

    operations = [
        migrations.RunSQL(OLDER, migrations.RunSQL.noop),
        *(migrations.RunSQL(body, unguard(table)) for table, body in GUARDS.items()),
        *(
            migrations.RunSQL(
                f"CREATE POLICY {table}_owner ON {table} TO CURRENT_USER USING (true);",
                f"DROP POLICY {table}_owner ON {table};",
            )
            for table in READ_BY_OWNER
        ),
        migrations.RunSQL(SQL, UNDO),
    ]
