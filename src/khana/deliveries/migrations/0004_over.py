"""Since when the rows of a list count no more, by its rule of retention."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("deliveries", "0003_replaced_by")]

    operations = [
        migrations.AddField(
            model_name="batch",
            name="over_at",
            field=models.DateTimeField(
                help_text="since when its rows count no more, by the rule of retention LISTS", null=True
            ),
        ),
    ]
