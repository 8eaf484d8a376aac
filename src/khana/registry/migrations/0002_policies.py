"""Row policies by area, and the one function that searches names within a scope."""

from pathlib import Path

from django.db import migrations

from khana.access.policies import by_area, guard, unguard

READ, WRITE = by_area("registry.read"), by_area("registry.write")
CLOSED = ("valid_to", "superseded_at")  # a version is closed, never rewritten

GUARDS = {
    "registry_household": guard("registry_household", select=READ, insert=WRITE, update=WRITE),
    "registry_householdversion": guard(
        "registry_householdversion", select=READ, insert=WRITE, update=WRITE, update_columns=CLOSED
    ),
    "registry_person": guard("registry_person", select=READ, insert=WRITE, update=WRITE),
    "registry_personversion": guard(
        "registry_personversion", select=READ, insert=WRITE, update=WRITE, update_columns=CLOSED, owner=True
    ),
    "registry_membership": guard(
        "registry_membership", select=READ, insert=WRITE, update=WRITE, update_columns=(*CLOSED, "family_no")
    ),
    "registry_identifier": guard(
        "registry_identifier",
        select=READ,
        insert=WRITE,
        update=WRITE,
        update_columns=("status", "retired_at"),
        owner=True,
    ),
    "registry_alias": guard(
        "registry_alias", select=READ, insert=WRITE, update=WRITE, update_columns=("valid_to",)
    ),
    "registry_resident": guard(
        "registry_resident", select=READ, insert=WRITE, update=WRITE, update_columns=(*CLOSED, "person_id")
    ),
}
SEARCH = (Path(__file__).parents[1] / "sql" / "search.sql").read_text()
UNDO = """
DROP FUNCTION khana_private.registry_search_names;
DROP FUNCTION khana_private.registry_numbers_held;
DROP FUNCTION khana_private.registry_like_words;
DROP FUNCTION khana_private.registry_learn_words CASCADE;
DROP FUNCTION khana_private.registry_words CASCADE;
DROP TABLE khana_private.name_word;
DROP FUNCTION khana_private.registry_skeleton;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("registry", "0001_initial"),
        ("access", "0003_policies_below"),
    ]

    operations = [
        *(migrations.RunSQL(body, unguard(table)) for table, body in GUARDS.items()),
        migrations.RunSQL("CREATE EXTENSION IF NOT EXISTS pg_trgm;", migrations.RunSQL.noop),
        migrations.RunSQL(SEARCH, UNDO),
    ]
