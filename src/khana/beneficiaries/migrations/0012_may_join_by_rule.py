"""May a number join, held against the programme's own rule: one function that looks, one that keeps the answer."""

from pathlib import Path

from django.db import migrations

FOLDER = Path(__file__).parents[1] / "sql"
SQL = (FOLDER / "may_join_by_rule.sql").read_text()
UNDO = "DROP FUNCTION khana_private.beneficiaries_ask(text, bytea[], text, integer, date, timestamptz);" \
    "DROP FUNCTION khana_private.beneficiaries_keep_answer(text, bytea[], text, text, jsonb, jsonb, timestamptz);" \
    + (FOLDER / "may_join.sql").read_text()


class Migration(migrations.Migration):
    dependencies = [
        ("beneficiaries", "0011_reopen_follows_merges"),
        ("identity", "0004_answer_policies"),
        ("registry", "0004_alias_policies"),
    ]

    operations = [migrations.RunSQL(SQL, UNDO)]
