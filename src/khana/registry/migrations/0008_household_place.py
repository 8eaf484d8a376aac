"""Households of an area in the order of their numbers, page by page, without reading the country."""

from django.db import migrations, models
from django.db.models.functions import Collate


class Migration(migrations.Migration):
    dependencies = [("registry", "0007_structure_policies")]

    operations = [
        migrations.AddIndex(
            model_name="household",
            index=models.Index(Collate("area_path", "C"), Collate("number", "C"), name="household_place"),
        ),
    ]
