"""Filters and owners of programmes by language, and what things are called for who has no session."""

from pathlib import Path

from django.db import migrations, models

SQL = (Path(__file__).parents[1] / "sql" / "names.sql").read_text()


class Migration(migrations.Migration):
    dependencies = [("programmes", "0007_appeals_follow")]

    operations = [
        migrations.AddField(
            "exclusionfilter", "names", models.JSONField(db_default={}, default=dict, help_text="by language")
        ),
        migrations.AddField(
            "programme", "owner_names", models.JSONField(db_default={}, default=dict, help_text="the same by language")
        ),
        migrations.RunSQL(SQL, "DROP FUNCTION khana_private.programmes_names();"),
    ]
