"""People in the field: what they were trained for and until when, which telephone each carries, what an area is to reach."""

from __future__ import annotations

from django.db import models


class Accreditation(models.Model):
    """One row says that one enumerator was trained or accredited for something, until a day.

    .. no_pii: staff, as the event log has them
    """

    class Kind(models.TextChoices):
        """A training is a lesson; an accreditation lets her interview."""

        TRAINING = "TRAINING"
        ACCREDITATION = "ACCREDITATION"

    user_id = models.BigIntegerField()
    user_label = models.TextField()
    area_path = models.TextField()
    kind = models.TextField(choices=Kind.choices)
    subject = models.TextField(help_text="the course, or the questionnaire")
    mark = models.FloatField(null=True, help_text="per cent")
    granted_on = models.DateField()
    expires_on = models.DateField(null=True)
    withdrawn_on = models.DateField(null=True)
    actor_id = models.BigIntegerField()
    recorded_at = models.DateTimeField()

    class Meta:
        """Read by enumerator."""

        indexes = [models.Index(fields=["user_id"], name="accreditation_of")]


class Device(models.Model):
    """One row is one telephone or tablet in the hands of one enumerator, from one day to another.

    .. no_pii: staff and inventory
    """

    device_id = models.TextField(help_text="as the form states it")
    label = models.TextField(default="", help_text="inventory number")
    user_id = models.BigIntegerField()
    user_label = models.TextField()
    area_path = models.TextField()
    issued_on = models.DateField()
    returned_on = models.DateField(null=True)
    state = models.TextField(default="IN_USE", help_text="IN_USE, RETURNED, LOST, BROKEN")
    actor_id = models.BigIntegerField()
    recorded_at = models.DateTimeField()

    class Meta:
        """A device is in one pair of hands."""

        constraints = [
            models.UniqueConstraint(
                fields=["device_id"], condition=models.Q(returned_on__isnull=True), name="device_in_one_hand"
            )
        ]


class Target(models.Model):
    """One row says how many households an area is to reach between two days.

    .. no_pii:
    """

    area_path = models.TextField()
    households = models.IntegerField()
    begins = models.DateField()
    ends = models.DateField()
    note = models.TextField(default="")
    actor_id = models.BigIntegerField()
    set_at = models.DateTimeField()

    class Meta:
        """One target for an area and a span."""

        constraints = [models.UniqueConstraint(fields=["area_path", "begins", "ends"], name="target_once")]
