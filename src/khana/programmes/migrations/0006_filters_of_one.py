"""What stands for and against one household: upheld appeals by its number, who is paid by the state, filters by a definer."""

from pathlib import Path

from django.db import migrations, models

SQL = (Path(__file__).parents[1] / "sql" / "against.sql").read_text()
UNDO = """
DROP FUNCTION khana_private.programmes_against(bigint[], timestamptz);
DROP FUNCTION khana_private.programmes_standing(bigint[], timestamptz);
"""
TABLE = "programmes_exclusionfilter"


class Migration(migrations.Migration):
    dependencies = [
        ("programmes", "0005_withdrawn_lists_free"),
        ("registry", "0004_alias_policies"),
        ("identity", "0002_policies"),
        ("access", "0010_owner_reads_ciphertext"),
    ]

    operations = [
        migrations.AddIndex(
            "filterappeal", models.Index(fields=["household_number"], name="filter_appeal_household")
        ),
        # definer functions read filters: an owner whom policies hold passes
        migrations.RunSQL(
            f"CREATE POLICY {TABLE}_owner ON {TABLE} TO CURRENT_USER USING (true);",
            f"DROP POLICY {TABLE}_owner ON {TABLE};",
        ),
        migrations.RunSQL(SQL, UNDO),
    ]
