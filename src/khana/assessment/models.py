"""Scores: the welfare score of a household under a named model, as it arrived or was computed.

Source of the scale: 0 poorest to 100, two decimals (BISP).
"""

from __future__ import annotations

from django.db import models

from khana.registry.models import Household


class Score(models.Model):
    """One row is one score of one household by one model; superseded, never overwritten.

    .. pii: a poverty score points at a household
    """

    household = models.ForeignKey(Household, on_delete=models.PROTECT, related_name="+", db_index=False)
    area_path = models.TextField()
    score = models.DecimalField(max_digits=5, decimal_places=2)
    score_date = models.DateField()
    model_code = models.TextField()
    recorded_at = models.DateTimeField()
    superseded_at = models.DateTimeField(null=True)
    batch_id = models.BigIntegerField(null=True)

    class Meta:
        """The score in force."""

        indexes = [models.Index(fields=["household"], name="score_household")]
