"""The catalogue: programmes of every agency, with amounts by date, areas and pair rules.

Benefit types are SPDCI's codes: 1 cash, 2 voucher, 3 in kind, 4 training, 5 work, 6 insurance.
Only those with `counts_to_cap` count against the cap.
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
    recorded_at = models.DateTimeField()
