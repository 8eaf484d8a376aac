"""Aliases: who sees and writes them, and two people where money hangs on a merge."""

from pathlib import Path

from django.db import migrations

from khana.access.policies import by_area, guard, unguard

READ = f"({by_area('registry.read')}) OR ({by_area('registry.read', 'current_area_path')})"
MERGE = f"({by_area('registry.merge')}) AND ({by_area('registry.merge', 'current_area_path')})"
ALIAS = guard(
    "registry_alias",
    select=READ,
    insert=MERGE,
    update=MERGE,
    update_columns=("valid_from", "valid_to", "end_proposed_by", "end_reason"),
)
BEFORE_READ, BEFORE_WRITE = by_area("registry.read"), by_area("registry.write")
BEFORE = guard("registry_alias", select=BEFORE_READ, insert=BEFORE_WRITE, update=BEFORE_WRITE, update_columns=("valid_to",))
TWO_PEOPLE = (Path(__file__).parents[1] / "sql" / "alias.sql").read_text()
UNDO = """
DROP TRIGGER alias_two_people ON registry_alias;
DROP FUNCTION khana_private.registry_alias_two_people;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("registry", "0003_alias_two_people"),
    ]

    operations = [
        migrations.RunSQL(unguard("registry_alias"), BEFORE),
        migrations.RunSQL(ALIAS, unguard("registry_alias")),
        migrations.RunSQL(TWO_PEOPLE, UNDO),
    ]
