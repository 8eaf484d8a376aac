"""Tables of the room `grievances`: what people say is wrong in their own files; grievances proper come with their issue."""

from __future__ import annotations

from django.db import models


class Case(models.Model):
    """One row is one thing that a person says is wrong in her own file, until an officer answered; never removed.

    She lodges it with her number and a code (room `sharing`, in the database) or an officer does at a desk.

    .. pii: points at a person
    """

    class About(models.TextChoices):
        """What is wrong."""

        NAME = "NAME"
        BIRTH = "BIRTH"
        HOUSEHOLD = "HOUSEHOLD"
        ADDRESS = "ADDRESS"
        SCORE = "SCORE"
        PAYMENT = "PAYMENT"
        OTHER = "OTHER"

    class State(models.TextChoices):
        """OPEN -> ANSWERED, once."""

        OPEN = "OPEN"
        ANSWERED = "ANSWERED"

    class Outcome(models.TextChoices):
        """What became of it; empty while it is open."""

        CORRECTED = "CORRECTED"
        NOT_WRONG = "NOT_WRONG"
        COME_TO_OFFICE = "COME_TO_OFFICE"

    TRANSITIONS = {State.OPEN: {State.ANSWERED}, State.ANSWERED: set()}

    person_id = models.BigIntegerField()
    area_path = models.TextField()
    about = models.TextField(choices=About.choices)
    state = models.TextField(choices=State.choices, default=State.OPEN)
    outcome = models.TextField(choices=Outcome.choices, default="", blank=True)
    lodged_by = models.TextField(help_text="CITIZEN or OFFICER")
    lodged_at = models.DateTimeField()
    due_on = models.DateField(help_text="by the country's deadline for a complaint")
    answered_by = models.BigIntegerField(null=True)
    answered_at = models.DateTimeField(null=True)
    note = models.TextField(default="", blank=True, help_text="for officers; no personal value")

    class Meta:
        """By person; what is due; one open case about one thing."""

        indexes = [
            models.Index(fields=["person_id"], name="case_person"),
            models.Index(fields=["state", "due_on"], name="case_due"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["person_id", "about"], condition=models.Q(state="OPEN"), name="case_open_once"
            )
        ]
