"""The catalogue: programmes of every agency, with amounts by date, quotas by area, exclusion filters and appeals.

Benefit types are SPDCI's codes: 1 cash, 2 voucher, 3 in kind, 4 training, 5 work, 6 insurance. Only those with
`counts_to_cap` count against the cap.
"""

from __future__ import annotations

from django.db import models


class Programme(models.Model):
    """One row is one programme as its catalogue version describes it.

    .. no_pii:
    """

    code = models.TextField(unique=True)
    name = models.TextField()
    names = models.JSONField(default=dict)
    agency = models.TextField()
    benefit_type = models.SmallIntegerField()
    counts_to_cap = models.BooleanField()
    min_age = models.SmallIntegerField(null=True)
    max_age = models.SmallIntegerField(null=True)
    min_age_female = models.SmallIntegerField(null=True)
    sex = models.CharField(max_length=1, default="", blank=True)
    max_score = models.DecimalField(max_digits=5, decimal_places=2, null=True)
    poverty_targeted = models.BooleanField(default=False)
    one_per_household = models.BooleanField(default=False)
    requires = models.TextField(default="", blank=True)
    incompatible_with = models.JSONField(default=list)
    areas = models.JSONField(default=list, help_text="codes; empty means everywhere")
    amounts = models.JSONField(default=list, help_text="[{from, amount, currency, per, source}]")
    rule = models.TextField(default="", blank=True)
    target_group = models.TextField(default="", blank=True)
    source = models.TextField(default="", blank=True, help_text="law or document, with year")
    unit = models.TextField(
        default="", blank=True, help_text="person, child, family or household: whom one benefit is for"
    )
    frequency = models.TextField(default="", blank=True)
    owner = models.TextField(default="", blank=True, help_text="who answers for it")
    owner_names = models.JSONField(default=dict, db_default={}, help_text="the same by language")
    budget_head = models.TextField(default="", blank=True)
    conditions = models.JSONField(default=list, help_text="in words, what must be done for the benefit to go on")
    eligibility = models.JSONField(default=dict, help_text="a rule of the rule language with its dated versions")
    valid_from = models.DateField(null=True)
    valid_to = models.DateField(null=True)
    recorded_at = models.DateTimeField()


class Quota(models.Model):
    """One row is the places, or the budget, of one programme in one area from a day on; a newer row replaces it.

    .. no_pii:
    """

    programme = models.TextField()
    agency = models.TextField()
    area_code = models.TextField(help_text="empty: the whole country")
    valid_from = models.DateField()
    places = models.BigIntegerField(null=True)
    budget = models.DecimalField(max_digits=18, decimal_places=2, null=True)
    source = models.TextField(help_text="who set it, by which document")
    recorded_at = models.DateTimeField()

    class Meta:
        """By programme; nothing negative."""

        indexes = [models.Index(fields=["programme"], name="quota_programme")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(places__gte=0, budget__isnull=True) | models.Q(places__isnull=True, budget__gte=0),
                name="quota_places_or_budget",
            )
        ]


class ExclusionFilter(models.Model):
    """One row is one exclusion filter: a dated rule that keeps a person from the programmes it names.

    .. no_pii:
    """

    code = models.TextField(unique=True)
    name = models.TextField()
    names = models.JSONField(default=dict, db_default={}, help_text="by language")
    agency = models.TextField()
    programmes = models.JSONField(default=list)
    rule = models.JSONField(default=dict, help_text="a rule of the rule language with its dated versions")
    place = models.SmallIntegerField(default=0, help_text="the order in which filters are applied")
    reported = models.JSONField(default=dict, help_text="hits as a document reported them")
    source = models.TextField(default="", blank=True)
    withdrawn_from = models.DateField(null=True, help_text="from this day it counts no longer")
    withdrawn_reason = models.TextField(default="", blank=True)
    recorded_at = models.DateTimeField()


class FilterAppeal(models.Model):
    """One row is one person's appeal against one filter: lodged by one officer, decided by another.

    .. pii: points at a person; the reason may describe her
    """

    class State(models.TextChoices):
        """LODGED -> UPHELD (the filter no longer counts against her) or DISMISSED."""

        LODGED = "LODGED"
        UPHELD = "UPHELD"
        DISMISSED = "DISMISSED"

    TRANSITIONS = {State.LODGED: {State.UPHELD, State.DISMISSED}, State.UPHELD: set(), State.DISMISSED: set()}

    filter_code = models.TextField()
    household_number = models.TextField()
    person_id = models.BigIntegerField(null=True, help_text="null: the whole household")
    area_path = models.TextField()
    state = models.TextField(choices=State.choices, default=State.LODGED)
    reason = models.TextField()
    lodged_by = models.BigIntegerField()
    lodged_label = models.TextField(default="")
    lodged_at = models.DateTimeField()
    decided_by = models.BigIntegerField(null=True)
    decided_label = models.TextField(default="")
    decided_at = models.DateTimeField(null=True)
    decision = models.TextField(default="")

    class Meta:
        """Who lodges does not decide; found by the household whose answer it changes."""

        indexes = [models.Index(fields=["household_number"], name="filter_appeal_household")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(decided_by__isnull=True) | ~models.Q(decided_by=models.F("lodged_by")),
                name="filter_appeal_by_two",
            )
        ]
