"""A withdrawn list of a disaster frees those who stood on it: they may be drawn again."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parents[1] / "sql"


def before():
    """Return the function as it was."""
    text = (SQL / "lists.sql").read_text()
    start = text.index("CREATE FUNCTION khana_private.programmes_list_moves()")
    end = text.index("REVOKE ALL ON FUNCTION khana_private.programmes_list_moves()")
    return text[start:end].replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")


class Migration(migrations.Migration):
    dependencies = [("programmes", "0004_list_policies")]

    operations = [migrations.RunSQL((SQL / "list_moves.sql").read_text(), before())]
