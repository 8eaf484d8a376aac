"""Who is due at a centre or a van's stop: households with an answer past its best-before day, and what came of calling them.

The list is reckoned anew each night, area by area; an *invitation* is one call to one family and stays.
"""

from __future__ import annotations

from django.db import models

from khana.intake.models.centres import Appointment, RegistrationPoint
from khana.registry.models import Household


class DueVisit(models.Model):
    """One row is one household of which something is too old to rely on, as the last reckoning found.

    .. pii: points at a household and says when it was last asked; replaced by the next reckoning
    """

    household = models.OneToOneField(Household, on_delete=models.PROTECT, related_name="+")
    area_path = models.TextField()
    facts = models.TextField(help_text="names of the facts that are too old, with a space between")
    stated_on = models.DateField(help_text="the day on which the oldest of them was stated")
    best_before = models.DateField()
    reckoned_at = models.DateTimeField()

    class Meta:
        """Read by area, the longest overdue first."""

        indexes = [models.Index(fields=["area_path", "best_before"], name="due_area_day")]


class Invitation(models.Model):
    """One row is one time that a due family was called: from where, by whom, and what came of it.

    .. pii: points at a household; kept as long as the household's file
    """

    class Outcome(models.TextChoices):
        """What came of it; who has moved away or refuses is not called again until the next visit."""

        COMING = "COMING"
        NO_ANSWER = "NO_ANSWER"
        HERE = "HERE"
        REFUSED = "REFUSED"
        MOVED_AWAY = "MOVED_AWAY"

    household = models.ForeignKey(Household, on_delete=models.PROTECT, related_name="+")
    point = models.ForeignKey(RegistrationPoint, on_delete=models.PROTECT, related_name="+")
    area_path = models.TextField()
    outcome = models.TextField(choices=Outcome.choices)
    appointment = models.ForeignKey(Appointment, null=True, on_delete=models.PROTECT, related_name="+")
    actor_id = models.BigIntegerField()
    actor_label = models.TextField()
    made_at = models.DateTimeField()

    class Meta:
        """The newest of a household counts."""

        indexes = [models.Index(fields=["household", "-made_at"], name="invitation_newest")]
