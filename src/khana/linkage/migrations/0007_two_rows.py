"""A pair may be two rows of lists: each side says what it is."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("linkage", "0006_name_of_the_system")]

    operations = [
        migrations.AddField(
            "pair", "right_kind", models.TextField(db_default="PERSON", default="PERSON", help_text="PERSON or ROW")
        ),
        migrations.AddField(
            "pair",
            "right_role",
            models.TextField(db_default="", default="", help_text="beneficiary or payee of a row"),
        ),
        migrations.RemoveConstraint("pair", "pair_once"),
        migrations.AddConstraint(
            "pair",
            models.UniqueConstraint(
                fields=["left_kind", "left_id", "left_role", "right_kind", "right_id", "right_role"], name="pair_once"
            ),
        ),
    ]
