"""The look-up of a number finds what hangs on files that were merged into hers."""

from pathlib import Path

from django.db import migrations

SQL = (Path(__file__).parents[1] / "sql" / "look_up.sql").read_text()


class Migration(migrations.Migration):
    dependencies = [
        ("beneficiaries", "0004_page_indexes"),
        ("registry", "0005_follow_aliases"),
    ]

    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
