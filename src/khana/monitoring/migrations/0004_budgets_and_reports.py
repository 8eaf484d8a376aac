"""Budgets, what was spent of them at a snapshot, and reports that were written as jobs."""

import django.db.models.deletion
from django.db import migrations, models

from khana.access.policies import anywhere, guard, own, unguard

WRITE = anywhere("monitoring.write")
READ = anywhere("results.read")
MADE = f"{own('actor_id')} AND {WRITE}"
GUARDS = {
    "monitoring_budget": guard("monitoring_budget", select=READ, insert=MADE),
    "monitoring_spending": guard("monitoring_spending", select=READ, insert=WRITE),
    "monitoring_report": guard("monitoring_report", select=READ, insert=f"{own('actor_id')} AND {READ}"),
}


def key() -> models.BigAutoField:
    return models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0003_safe_values_and_publications")]

    operations = [
        # one area's figures, one figure of several areas, and one of a few areas over many snapshots: all by this one
        migrations.RemoveIndex("indicatorvalue", "indicator_value_in"),
        migrations.AddIndex(
            "indicatorvalue", models.Index(fields=["snapshot", "area_code", "indicator"], name="indicator_value_at")
        ),
        migrations.CreateModel(
            name="Budget",
            fields=[
                ("id", key()),
                ("programme", models.TextField()),
                ("agency", models.TextField()),
                ("area_code", models.TextField(blank=True, default="", help_text="empty: the whole country")),
                ("government", models.TextField()),
                ("year", models.TextField(help_text="FY2025-26, or 2026")),
                ("starts_on", models.DateField()),
                ("ends_on", models.DateField()),
                ("amount", models.DecimalField(decimal_places=2, max_digits=18)),
                ("source", models.TextField()),
                ("file_sha256", models.CharField(max_length=64)),
                ("actor_id", models.BigIntegerField()),
                ("recorded_at", models.DateTimeField()),
            ],
            options={
                "indexes": [models.Index(fields=["year", "programme"], name="budget_year")],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("amount__gte", 0)), name="budget_not_negative"),
                    models.CheckConstraint(
                        condition=models.Q(("ends_on__gte", models.F("starts_on"))), name="budget_year_ends"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Spending",
            fields=[
                ("id", key()),
                ("programme", models.TextField()),
                ("agency", models.TextField()),
                ("quarter", models.DateField(help_text="its first day")),
                ("area_code", models.TextField(blank=True, default="", help_text="empty: the whole country")),
                ("area_level", models.SmallIntegerField()),
                ("amount", models.FloatField()),
                ("list_rows", models.FloatField()),
                (
                    "snapshot",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="monitoring.indicatorsnapshot",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["snapshot", "area_level", "area_code"], name="spending_in")],
            },
        ),
        migrations.CreateModel(
            name="Report",
            fields=[
                ("id", key()),
                ("title", models.TextField()),
                (
                    "period",
                    models.TextField(blank=True, default="", help_text="2026Q1, FY2025-26; empty: the newest state"),
                ),
                ("form", models.TextField()),
                ("language", models.TextField()),
                ("snapshot_id", models.BigIntegerField(null=True)),
                ("study_id", models.BigIntegerField(null=True)),
                ("sha256", models.CharField(max_length=64)),
                ("size", models.BigIntegerField()),
                ("actor_id", models.BigIntegerField()),
                ("made_at", models.DateTimeField()),
            ],
        ),
        *(migrations.RunSQL(body, unguard(table)) for table, body in GUARDS.items()),
    ]
