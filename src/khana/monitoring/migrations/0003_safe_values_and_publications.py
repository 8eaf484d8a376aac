"""Why a value is not shown stands beside it; sets of safe figures that the public may see."""

import django.db.models.deletion
from django.db import migrations, models

from khana.access.policies import anywhere, guard, own, unguard

WRITE = anywhere("monitoring.write")
READ = anywhere("results.read")
TABLE = "monitoring_publication"


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0002_policies")]

    operations = [
        migrations.AddField(
            "indicatorsnapshot",
            "threshold",
            models.SmallIntegerField(default=5, help_text="counts below it are small"),
        ),
        # what was kept before nobody has looked through for small cells: pages hide it until it is computed again
        migrations.AddField(
            "indicatorvalue",
            "hidden",
            models.TextField(
                default="unmade", blank=True, help_text="why pages do not show it: small, complementary; empty: they do"
            ),
        ),
        migrations.AddIndex(
            "indicatorvalue", models.Index(fields=["snapshot", "area_code"], name="indicator_value_in")
        ),
        migrations.CreateModel(
            name="Publication",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("title", models.TextField()),
                ("published_at", models.DateTimeField()),
                ("actor_id", models.BigIntegerField()),
                ("withdrawn_at", models.DateTimeField(null=True)),
                ("threshold", models.SmallIntegerField()),
                (
                    "epsilon",
                    models.FloatField(
                        null=True, help_text="spent on this publication; null: no noise, small cells suppressed"
                    ),
                ),
                ("body", models.JSONField(default=dict, help_text="framework, areas, values")),
                ("outlines", models.JSONField(default=dict, help_text="TopoJSON of the areas below each area")),
                (
                    "snapshot",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="monitoring.indicatorsnapshot"
                    ),
                ),
            ],
        ),
        migrations.RunSQL(
            guard(
                TABLE, select=f"withdrawn_at IS NULL OR {READ}", insert=f"{own('actor_id')} AND {WRITE}", update=WRITE,
                update_columns=["withdrawn_at"],
            ),
            unguard(TABLE),
        ),
    ]  # fmt: skip
