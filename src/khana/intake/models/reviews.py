"""What nightly checks found: a line by enumerator, a line by question, and what is done about it, followed to its end."""

from __future__ import annotations

from django.db import models

from khana.intake.models.submissions import FormVersion


class EnumeratorReview(models.Model):
    """One row is what one run of the checks shows of one enumerator: measures and findings, for a visit and no verdict.

    .. no_pii: staff; findings name filled forms by number, never an answer
    """

    run = models.TextField(help_text="one text for all rows of a run")
    area_path = models.TextField()
    user_id = models.BigIntegerField()
    user_label = models.TextField()
    begins = models.DateField()
    ends = models.DateField(help_text="the day after the last")
    submissions = models.IntegerField()
    review_rank = models.IntegerField(null=True)
    first = models.TextField(default="", help_text="measures that stand out")
    measures = models.JSONField(default=dict)
    findings = models.JSONField(default=list, help_text="submission, code, variable; at most 200")
    actor_id = models.BigIntegerField()
    made_at = models.DateTimeField()

    class Meta:
        """Newest first, by enumerator."""

        indexes = [models.Index(fields=["user_id", "-made_at"], name="review_of_enumerator")]


class QuestionEvidence(models.Model):
    """One row is what filled forms say of one question of one version: left empty, seconds, reliability.

    .. no_pii: counts
    """

    form_version = models.ForeignKey(FormVersion, on_delete=models.PROTECT, related_name="+")
    question = models.TextField()
    asked = models.IntegerField(default=0)
    missing_share = models.FloatField(null=True)
    other_share = models.FloatField(null=True)
    timed = models.IntegerField(default=0)
    seconds_median = models.FloatField(null=True)
    seconds_p90 = models.FloatField(null=True)
    reliability = models.FloatField(null=True)
    error_rate = models.FloatField(null=True)
    compared = models.IntegerField(default=0, help_text="pairs of interviews")
    actor_id = models.BigIntegerField()
    made_at = models.DateTimeField()

    class Meta:
        """One row for a question of a version."""

        constraints = [models.UniqueConstraint(fields=["form_version", "question"], name="evidence_once")]


class CorrectiveAction(models.Model):
    """One row is something to be put right about one enumerator's work, until somebody else saw that it was.

    .. no_pii: staff; no answer and no household
    """

    class State(models.TextChoices):
        """OPEN -> DONE -> CLOSED, or back to OPEN."""

        OPEN = "OPEN"
        DONE = "DONE"
        CLOSED = "CLOSED"

    area_path = models.TextField()
    user_id = models.BigIntegerField(help_text="whose work it is about")
    user_label = models.TextField()
    about = models.TextField(help_text="a code or measure of the checks, or a spot check")
    what = models.TextField()
    due_on = models.DateField()
    state = models.TextField(choices=State.choices, default=State.OPEN)
    history = models.JSONField(default=list, help_text="state, who, when, note; in order")
    actor_id = models.BigIntegerField()
    opened_at = models.DateTimeField()
    done_by = models.BigIntegerField(null=True)
    closed_by = models.BigIntegerField(null=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        """Open ones by day; who did it does not close it."""

        indexes = [models.Index(fields=["state", "due_on"], name="action_due")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(closed_by__isnull=True) | ~models.Q(closed_by=models.F("done_by")),
                name="action_by_two",
            )
        ]
