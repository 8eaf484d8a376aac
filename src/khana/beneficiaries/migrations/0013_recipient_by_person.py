"""A person's rows of a run are found by index; a number's rows only where no file was found for it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("beneficiaries", "0012_may_join_by_rule")]

    operations = [
        migrations.AddIndex("recipient", models.Index(fields=["person_id"], name="recipient_person")),
        migrations.AddIndex(
            "recipient",
            models.Index(fields=["id_token"], condition=models.Q(person_id=None), name="recipient_unknown_token"),
        ),
    ]
