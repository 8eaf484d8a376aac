"""A person's rows of a run are found by index; a number's rows only where no file was found for it."""

from pathlib import Path

from django.db import migrations, models

MAY_JOIN = (Path(__file__).parents[1] / "sql" / "may_join.sql").read_text()


class Migration(migrations.Migration):
    dependencies = [("beneficiaries", "0010_may_join")]

    operations = [
        migrations.AddIndex("recipient", models.Index(fields=["person_id"], name="recipient_person")),
        migrations.AddIndex(
            "recipient",
            models.Index(fields=["id_token"], condition=models.Q(person_id=None), name="recipient_unknown_token"),
        ),
        migrations.RunSQL(MAY_JOIN, migrations.RunSQL.noop),
    ]
