"""May a number join; decisions opened again: definer functions over all programmes, and the owner's way past row security."""

from pathlib import Path

from django.db import migrations

SQL = "".join((Path(__file__).parents[1] / "sql" / name).read_text() for name in ("may_join.sql", "reopen.sql"))
UNDO = "DROP FUNCTION khana_private.beneficiaries_may_join(text, bytea[], text, integer, numeric, date, timestamptz);" \
    "DROP FUNCTION khana_private.beneficiaries_reopen(bigint, bigint, text, timestamptz)"
READ = ("beneficiaries_run", "beneficiaries_recipient", "beneficiaries_enrolment", "beneficiaries_stop", "beneficiaries_answer", "beneficiaries_reopened",
        "programmes_programme")  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [
        ("beneficiaries", "0009_state_policies"),
        ("assessment", "0004_policies"),
        ("registry", "0004_alias_policies"),
        ("sharing", "0002_policies"),
    ]

    operations = [
        *(
            migrations.RunSQL(
                f"DROP POLICY IF EXISTS {table}_owner ON {table};"
                f"CREATE POLICY {table}_owner ON {table} TO CURRENT_USER USING (true);",
                f"DROP POLICY {table}_owner ON {table};",
            )
            for table in READ
        ),
        # guarded anew after another room let the owner pass; the order of the two is not said there
        *(
            migrations.RunSQL(
                f"DROP POLICY IF EXISTS {table}_owner ON {table};"
                f"CREATE POLICY {table}_owner ON {table} TO CURRENT_USER USING (true);",
                migrations.RunSQL.noop,
            )
            for table in ("assessment_score", "registry_alias")
        ),
        migrations.RunSQL(SQL, UNDO),
    ]
