"""What an evaluation of the registry gave: how many got which answer, and who is eligible and served by nothing."""

from __future__ import annotations

from django.db import models


class Evaluation(models.Model):
    """One row is one evaluation of every programme's rule over the registry: which rules, which day, what came out.

    .. no_pii:
    """

    class State(models.TextChoices):
        """Where it stands."""

        RUNNING = "RUNNING"
        DONE = "DONE"
        FAILED = "FAILED"

    state = models.TextField(choices=State.choices, default=State.RUNNING)
    as_of = models.DateField()
    known_at = models.DateTimeField()
    rules = models.JSONField(default=list, help_text="the rules that were applied, whole")
    snapshot = models.TextField(default="", help_text="hash over the facts that were used")
    summary = models.JSONField(default=dict)
    actor_id = models.BigIntegerField()
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)


class AnswerCount(models.Model):
    """One row is how many of one area got one answer for one programme in one evaluation.

    .. no_pii: counts by area
    """

    evaluation = models.ForeignKey(Evaluation, on_delete=models.PROTECT, related_name="+", db_index=False)
    programme = models.TextField()
    area_code = models.TextField()
    outcome = models.TextField(help_text="eligible, excluded, not_eligible or unknown")
    why = models.TextField(default="", help_text="the filter, the clause that fails, or the missing facts")
    units = models.BigIntegerField()

    class Meta:
        """By programme of an evaluation."""

        indexes = [models.Index(fields=["evaluation", "programme"], name="answer_count_of")]


class Unserved(models.Model):
    """One row is one household that is eligible for programmes and drawn upon by none: its rank, why, and who could reach it.

    .. pii: points at a household
    """

    evaluation = models.ForeignKey(Evaluation, on_delete=models.PROTECT, related_name="+", db_index=False)
    household_number = models.TextField()
    area_path = models.TextField()
    rank = models.BigIntegerField()
    score = models.DecimalField(max_digits=5, decimal_places=2, null=True)
    members = models.IntegerField(default=0)
    eligible_for = models.JSONField(default=list)
    reason = models.TextField()
    outreach = models.TextField()

    class Meta:
        """Ranked."""

        indexes = [
            models.Index(fields=["evaluation", "rank"], name="programmes_unserved_rank"),
            models.Index(fields=["evaluation", "reason"], name="programmes_unserved_reason"),
        ]
