"""Indexes that the pages of a household and of a source read by."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("beneficiaries", "0003_look_up")]

    operations = [
        migrations.AddIndex("finding", models.Index(fields=["run", "source_code"], name="finding_run_source")),
        migrations.AddIndex("recipient", models.Index(fields=["household_number"], name="recipient_household")),
        migrations.AddIndex("unservedhousehold", models.Index(fields=["household_number"], name="unserved_household")),
    ]
