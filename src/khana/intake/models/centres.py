"""Where families come: centres, vans and camps as dated places, desks that are open, the queue of a day, appointments.

A *registration point* is a centre, a van or a camp; a *stop* is where a van or camp stands on one day. A *queue token* is
one visit: taken, called to a desk, done. Who came is not written: the token of a number that was shown tells a second visit.
"""

from __future__ import annotations

from django.db import models

from khana.registry.models import Household


class RegistrationPoint(models.Model):
    """One row is one centre, van or camp, between two days.

    .. no_pii: places
    """

    class Kind(models.TextChoices):
        """A centre stays; a van has stops; a camp stands for some days."""

        CENTRE = "CENTRE"
        VAN = "VAN"
        CAMP = "CAMP"

    code = models.TextField(unique=True)
    name = models.TextField()
    kind = models.TextField(choices=Kind.choices, default=Kind.CENTRE)
    area_path = models.TextField()
    latitude = models.FloatField(null=True)
    longitude = models.FloatField(null=True)
    desks = models.SmallIntegerField(default=1)
    opens = models.TimeField(null=True)
    closes = models.TimeField(null=True)
    valid_from = models.DateField()
    valid_to = models.DateField(null=True)
    actor_id = models.BigIntegerField()
    added_at = models.DateTimeField()


class Stop(models.Model):
    """One row is where a van or a camp stands on one day.

    .. no_pii: places
    """

    point = models.ForeignKey(RegistrationPoint, on_delete=models.PROTECT, related_name="+")
    area_path = models.TextField()
    day = models.DateField()
    place = models.TextField(default="")
    latitude = models.FloatField(null=True)
    longitude = models.FloatField(null=True)
    opens = models.TimeField(null=True)
    closes = models.TimeField(null=True)
    expected = models.IntegerField(null=True, help_text="families that the plan expects")
    actor_id = models.BigIntegerField()
    added_at = models.DateTimeField()
    cancelled_at = models.DateTimeField(null=True)
    why_cancelled = models.TextField(default="")

    class Meta:
        """A van stands in one place of an area on a day; read by day."""

        constraints = [
            models.UniqueConstraint(
                fields=["point", "day", "place"], condition=models.Q(cancelled_at__isnull=True), name="stop_once"
            )
        ]
        indexes = [models.Index(fields=["area_path", "day"], name="stop_area_day")]


class DeskSession(models.Model):
    """One row is one desk of a point, open under one operator from one time to another.

    .. no_pii: staff
    """

    point = models.ForeignKey(RegistrationPoint, on_delete=models.PROTECT, related_name="+")
    area_path = models.TextField()
    desk = models.SmallIntegerField()
    actor_id = models.BigIntegerField()
    actor_label = models.TextField()
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        """A desk is open under one operator at a time."""

        constraints = [
            models.UniqueConstraint(
                fields=["point", "desk"], condition=models.Q(closed_at__isnull=True), name="desk_open_once"
            )
        ]


class Appointment(models.Model):
    """One row is one family's appointment at a point, by the reference on its slip.

    .. pii: points at the household where a due family was called; the token of a number, where one was shown,
        tells that the same person came
    """

    class State(models.TextChoices):
        """BOOKED -> ARRIVED, CANCELLED or MISSED."""

        BOOKED = "BOOKED"
        ARRIVED = "ARRIVED"
        CANCELLED = "CANCELLED"
        MISSED = "MISSED"

    point = models.ForeignKey(RegistrationPoint, on_delete=models.PROTECT, related_name="+")
    area_path = models.TextField()
    reference = models.TextField(unique=True)
    slot = models.DateTimeField()
    purpose = models.TextField()
    priority = models.TextField(default="")
    visitor_token = models.BinaryField(null=True)
    household = models.ForeignKey(Household, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    state = models.TextField(choices=State.choices, default=State.BOOKED)
    actor_id = models.BigIntegerField()
    booked_at = models.DateTimeField()

    class Meta:
        """Read by point and slot."""

        indexes = [models.Index(fields=["point", "slot"], name="appointment_slot")]


class QueueToken(models.Model):
    """One row is one visit to a point on one day: its number, why it goes first, when it was called and done.

    .. pii: points at the household where a due family was called; the token of a number, where one was shown,
        tells that the same person came again
    """

    class State(models.TextChoices):
        """WAITING -> CALLED -> SERVED or MISSED; WAITING -> LEFT."""

        WAITING = "WAITING"
        CALLED = "CALLED"
        SERVED = "SERVED"
        MISSED = "MISSED"
        LEFT = "LEFT"

    point = models.ForeignKey(RegistrationPoint, on_delete=models.PROTECT, related_name="+")
    area_path = models.TextField()
    day = models.DateField()
    number = models.IntegerField()
    purpose = models.TextField()
    priority = models.TextField(default="")
    appointment = models.ForeignKey(Appointment, null=True, on_delete=models.PROTECT, related_name="+")
    visitor_token = models.BinaryField(null=True)
    household = models.ForeignKey(Household, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    state = models.TextField(choices=State.choices, default=State.WAITING)
    session = models.ForeignKey(DeskSession, null=True, on_delete=models.PROTECT, related_name="+")
    outcome = models.TextField(default="")
    actor_id = models.BigIntegerField()
    taken_at = models.DateTimeField()
    called_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        """A number stands once a day; the queue is read by point, day and state; revisits by the shown number."""

        constraints = [models.UniqueConstraint(fields=["point", "day", "number"], name="queue_token_once")]
        indexes = [
            models.Index(fields=["point", "day", "state"], name="queue_of_day"),
            models.Index(fields=["visitor_token"], name="queue_visitor"),
        ]
