"""What an amendment would do to a household before it is committed: score, class, programmes whose line it crosses."""

from __future__ import annotations

from django.db import models

from khana.intake.models.submissions import Submission
from khana.registry.models import Household


class AmendmentEffect(models.Model):
    """One row is what one filled form would do to one household's score, as it was reckoned before the form was taken.

    Where a line is crossed a second person confirms; the database refuses who sent the form.

    .. pii: a poverty score points at a household
    """

    submission = models.ForeignKey(Submission, on_delete=models.PROTECT, related_name="+")
    household = models.ForeignKey(Household, on_delete=models.PROTECT, related_name="+")
    area_path = models.TextField()
    model_label = models.TextField()
    score_before = models.FloatField(null=True)
    score_after = models.FloatField(null=True)
    class_before = models.TextField(default="")
    class_after = models.TextField(default="")
    members_before = models.IntegerField()
    members_after = models.IntegerField()
    gains = models.JSONField(default=list, help_text="programmes under whose line it comes")
    loses = models.JSONField(default=list, help_text="programmes over whose line it goes")
    filters = models.JSONField(
        default=dict, help_text="programme -> exclusion filters by which it is lost, or was out of reach before"
    )
    crosses = models.BooleanField(default=False)
    sent_by = models.BigIntegerField()
    reckoned_at = models.DateTimeField()
    confirmed_by = models.BigIntegerField(null=True)
    confirmed_label = models.TextField(default="")
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        """The newest of a submission counts; nobody confirms her own form."""

        indexes = [models.Index(fields=["submission", "id"], name="effect_of_submission")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(confirmed_by__isnull=True) | ~models.Q(confirmed_by=models.F("sent_by")),
                name="effect_by_two",
            )
        ]
