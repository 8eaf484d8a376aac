"""The effect of an amendment names the exclusion filters by which a programme is lost or gained."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("intake", "0011_due_policies")]

    operations = [
        migrations.AddField(
            model_name="amendmenteffect",
            name="filters",
            field=models.JSONField(
                default=dict, help_text="programme -> exclusion filters by which it is lost, or was out of reach before"
            ),
        ),
    ]
