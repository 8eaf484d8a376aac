"""Studies, snapshots of indicators, budgets, reports and outreach plans: figures by area and domain, never a person.

A snapshot is computed from the state of the registers at one moment, names what it read, and is never changed; the same
inputs give the same values. What is small is suppressed where it is shown, not where it is kept.
"""

from __future__ import annotations

from django.db import models


class CoverageStudy(models.Model):
    """One row is one coverage study: a survey held against the registry, with its figures.

    .. no_pii: estimates by domain; the survey itself is not kept
    """

    title = models.TextField()
    made_at = models.DateTimeField()
    actor_id = models.BigIntegerField()
    parameters = models.JSONField(default=dict, help_text="design, words of the study, hash of the survey")
    summary = models.JSONField(default=dict)
    figures = models.JSONField(default=list)
    determinants = models.JSONField(default=list)
    notes = models.JSONField(default=list)


class IndicatorSnapshot(models.Model):
    """One row is one computation of every indicator of a framework, with all that it read.

    .. no_pii: counts and codes
    """

    framework = models.TextField()
    version = models.TextField()
    as_of = models.DateField()
    made_at = models.DateTimeField()
    actor_id = models.BigIntegerField()
    inputs = models.JSONField(default=dict, help_text="counts and hashes of what was read, run of the consolidation")
    sha256 = models.TextField(help_text="hash over the values, in order")
    threshold = models.SmallIntegerField(default=5, help_text="counts below it are small")


class IndicatorValue(models.Model):
    """One row is one indicator of one snapshot for one area and one group: numerator, denominator, value.

    .. no_pii: counts by area
    """

    snapshot = models.ForeignKey(IndicatorSnapshot, on_delete=models.PROTECT, related_name="+", db_index=False)
    indicator = models.TextField()
    area_code = models.TextField()
    area_level = models.SmallIntegerField()
    group_by = models.TextField(default="", blank=True)
    group_value = models.TextField(default="", blank=True)
    numerator = models.FloatField()
    denominator = models.FloatField(null=True)
    value = models.FloatField(null=True, help_text="null where the denominator is zero")
    hidden = models.TextField(
        default="unmade", blank=True, help_text="why pages do not show it: small, complementary; empty: they do"
    )

    class Meta:
        """By indicator of a snapshot, and by area of one."""

        indexes = [
            models.Index(fields=["snapshot", "indicator", "area_level"], name="indicator_value_of"),
            models.Index(fields=["snapshot", "area_code", "indicator"], name="indicator_value_at"),
        ]


class Publication(models.Model):
    """One row is one set of safe figures that the public may see, with the areas it speaks of and what it cost in privacy.

    What is hidden is not in it at all; where `epsilon` is set every count carries noise and nothing of the snapshot itself.

    .. no_pii: counts by area, small ones left out
    """

    snapshot = models.ForeignKey(IndicatorSnapshot, on_delete=models.PROTECT, related_name="+")
    title = models.TextField()
    published_at = models.DateTimeField()
    actor_id = models.BigIntegerField()
    withdrawn_at = models.DateTimeField(null=True)
    threshold = models.SmallIntegerField()
    epsilon = models.FloatField(
        null=True, help_text="spent on this publication; null: no noise, small cells suppressed"
    )
    body = models.JSONField(default=dict, help_text="framework, areas, values")
    outlines = models.JSONField(default=dict, help_text="TopoJSON of the areas below each area")


class OutreachPlan(models.Model):
    """One row is one outreach plan: where each van stands on which days, with its targets and its bound.

    .. no_pii: places and counts
    """

    title = models.TextField()
    made_at = models.DateTimeField()
    actor_id = models.BigIntegerField()
    parameters = models.JSONField(default=dict)
    summary = models.JSONField(default=dict)
    stops = models.JSONField(default=list)


class Budget(models.Model):
    """One row is what one government appropriated for one programme, area and fiscal year, as one document says.

    Nothing is changed: of several rows of one programme, area, government and year the newest counts.

    .. no_pii: amounts by programme and area
    """

    programme = models.TextField()
    agency = models.TextField()
    area_code = models.TextField(default="", blank=True, help_text="empty: the whole country")
    government = models.TextField()
    year = models.TextField(help_text="FY2025-26, or 2026")
    starts_on = models.DateField()
    ends_on = models.DateField()
    amount = models.DecimalField(max_digits=18, decimal_places=2)
    source = models.TextField()
    file_sha256 = models.CharField(max_length=64)
    actor_id = models.BigIntegerField()
    recorded_at = models.DateTimeField()

    class Meta:
        """By year; nothing negative; a year has an end."""

        indexes = [models.Index(fields=["year", "programme"], name="budget_year")]
        constraints = [
            models.CheckConstraint(condition=models.Q(amount__gte=0), name="budget_not_negative"),
            models.CheckConstraint(condition=models.Q(ends_on__gte=models.F("starts_on")), name="budget_year_ends"),
        ]


class Spending(models.Model):
    """One row is what lists said, at one snapshot, was spent on one programme in one quarter and one area.

    .. no_pii: sums by programme and area
    """

    snapshot = models.ForeignKey(IndicatorSnapshot, on_delete=models.PROTECT, related_name="+", db_index=False)
    programme = models.TextField()
    agency = models.TextField()
    quarter = models.DateField(help_text="its first day")
    area_code = models.TextField(default="", blank=True, help_text="empty: the whole country")
    area_level = models.SmallIntegerField()
    amount = models.FloatField()
    list_rows = models.FloatField()

    class Meta:
        """By area of a snapshot."""

        indexes = [models.Index(fields=["snapshot", "area_level", "area_code"], name="spending_in")]


class Report(models.Model):
    """One row is one report that was written as a job, kept as a file under its hash.

    .. no_pii: figures by area; the file holds the same
    """

    title = models.TextField()
    period = models.TextField(default="", blank=True, help_text="2026Q1, FY2025-26; empty: the newest state")
    form = models.TextField()
    language = models.TextField()
    snapshot_id = models.BigIntegerField(null=True)
    study_id = models.BigIntegerField(null=True)
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    actor_id = models.BigIntegerField()
    made_at = models.DateTimeField()
