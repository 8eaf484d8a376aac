"""Models of poverty scores, their signatures, runs over the registry, scores, overrides, scenarios.

A *model version* is one cited file, kept; it never changes. An *activation* is two signatures over
it with the day from which it counts. A *score* arrived with a registry (`model` empty) or was
computed by a model version; either is superseded by a newer one of its kind, never overwritten. A
*study* is a look at scores or at a model, kept with what was asked.
Source of the scale: 0 poorest to 100, two decimals (BISP).
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from khana.registry.models import Household


class ModelVersion(models.Model):
    """One row is one version of one model: its file, its card, and whence it comes. It is never changed.

    .. no_pii:
    """

    code = models.TextField()
    version = models.IntegerField()
    title = models.TextField(default="")
    document = models.TextField(help_text="the file, as it came")
    words = models.JSONField(default=dict, help_text="labels of its variables by language")
    sha256 = models.TextField(help_text="of the kept file, byte for byte")
    card = models.JSONField(default=dict, help_text="figures that came with it or were made when it was fitted")
    source = models.TextField()
    mark = models.TextField()
    valid_from = models.DateField()
    valid_to = models.DateField(null=True)
    created_by = models.BigIntegerField()
    created_label = models.TextField(default="")
    created_at = models.DateTimeField()

    class Meta:
        """A version is there once."""

        constraints = [models.UniqueConstraint(fields=["code", "version"], name="model_version_once")]


class Activation(models.Model):
    """One row is the two signatures that put a model version in force from a day on.

    .. no_pii: names of officers who signed, as the event log has them
    """

    model = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="+")
    effective_from = models.DateField()
    effective_to = models.DateField(null=True)
    recertify_months = models.SmallIntegerField(help_text="after so many months an interview is due again")
    note = models.TextField(default="")
    proposed_by = models.BigIntegerField()
    proposed_label = models.TextField(default="")
    proposed_at = models.DateTimeField()
    confirmed_by = models.BigIntegerField(null=True)
    confirmed_label = models.TextField(default="")
    confirmed_at = models.DateTimeField(null=True)
    withdrawn_by = models.BigIntegerField(null=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        """Nobody signs twice."""

        constraints = [
            models.CheckConstraint(
                condition=models.Q(confirmed_by__isnull=True) | ~models.Q(confirmed_by=models.F("proposed_by")),
                name="activation_by_two",
            )
        ]


class ScoringRun(models.Model):
    """One row is one scoring of the whole registry: which model, which day, what was known, what came out.

    .. no_pii:
    """

    class State(models.TextChoices):
        """Where the run stands."""

        RUNNING = "RUNNING"
        DONE = "DONE"
        FAILED = "FAILED"

    model = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="+")
    state = models.TextField(choices=State.choices, default=State.RUNNING)
    is_trial = models.BooleanField(default=False, help_text="for the simulator only: no score was written")
    as_of = models.DateField(help_text="the day that facts are read for")
    known_at = models.DateTimeField(help_text="what was known at this time")
    snapshot = models.TextField(default="", help_text="hash over the facts that were used")
    summary = models.JSONField(default=dict)
    actor_id = models.BigIntegerField()
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)


class Score(models.Model):
    """One row is one score of one household by one model; superseded, never overwritten.

    .. pii: a poverty score points at a household; its parts say how the household lives
    """

    household = models.ForeignKey(Household, on_delete=models.PROTECT, related_name="+", db_index=False)
    area_path = models.TextField()
    score = models.DecimalField(max_digits=5, decimal_places=2)
    score_date = models.DateField(help_text="day of the facts")
    model_code = models.TextField()
    recorded_at = models.DateTimeField()
    superseded_at = models.DateTimeField(null=True)
    batch_id = models.BigIntegerField(null=True)
    model = models.ForeignKey(
        ModelVersion,
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        db_index=False,
        help_text="null: it arrived",
    )
    run = models.ForeignKey(
        ScoringRun, on_delete=models.PROTECT, related_name="+", null=True, db_index=False, help_text="null: at the desk"
    )
    as_of = models.DateField(null=True)
    known_at = models.DateTimeField(null=True)
    raw = models.FloatField(null=True)
    percentile = models.FloatField(null=True, help_text="0 poorest to 100, among the households of the run")
    class_name = models.TextField(default="")
    contributions = ArrayField(models.FloatField(), null=True, help_text="in the order of the model's variables")
    missing = ArrayField(models.TextField(), null=True)
    unseen = ArrayField(models.TextField(), null=True)
    facts_mark = models.TextField(default="", help_text="hash over the values that were scored")
    due_on = models.DateField(null=True, help_text="recertification")

    class Meta:
        """The score in force."""

        indexes = [models.Index(fields=["household"], name="score_household")]


class Unscored(models.Model):
    """One row is one household that a run could not score, and which variables refused it.

    .. pii: points at a household
    """

    run = models.ForeignKey(ScoringRun, on_delete=models.PROTECT, related_name="+")
    household = models.ForeignKey(Household, on_delete=models.PROTECT, related_name="+", db_index=False)
    area_path = models.TextField()
    missing = ArrayField(models.TextField(), null=True)
    unseen = ArrayField(models.TextField(), null=True)


class Override(models.Model):
    """One row is a decision of two people that a household counts with another score than its model's.

    .. pii: points at a household; the reason may describe it
    """

    household = models.ForeignKey(Household, on_delete=models.PROTECT, related_name="+", db_index=False)
    area_path = models.TextField()
    score_before = models.DecimalField(max_digits=5, decimal_places=2, null=True)
    score = models.DecimalField(max_digits=5, decimal_places=2)
    reason = models.TextField()
    proposed_by = models.BigIntegerField()
    proposed_label = models.TextField(default="")
    proposed_at = models.DateTimeField()
    confirmed_by = models.BigIntegerField(null=True)
    confirmed_label = models.TextField(default="")
    confirmed_at = models.DateTimeField(null=True)
    withdrawn_by = models.BigIntegerField(null=True)
    withdrawn_at = models.DateTimeField(null=True)
    ends_on = models.DateField(null=True, help_text="day on which the model's score counts again")

    class Meta:
        """By household; nobody signs twice."""

        indexes = [models.Index(fields=["household"], name="override_household")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(confirmed_by__isnull=True) | ~models.Q(confirmed_by=models.F("proposed_by")),
                name="override_by_two",
            )
        ]


class Snapshot(models.Model):
    """One row is what the simulator or the rule editor reads instead of the registry: counts, or a sample of facts.

    .. pii: the sample for rules holds facts of households without names, numbers or places below the district
    """

    class Kind(models.TextChoices):
        """What it holds."""

        CUBE = "CUBE"
        SURVEY = "SURVEY"
        FACTS = "FACTS"

    kind = models.TextField(choices=Kind.choices)
    run = models.ForeignKey(ScoringRun, on_delete=models.PROTECT, related_name="+", null=True)
    content = models.BinaryField(help_text="Arrow frames, encrypted")
    summary = models.JSONField(default=dict)
    created_at = models.DateTimeField()


class Scenario(models.Model):
    """One row is one saved position of the simulator with what it gave.

    .. no_pii:
    """

    title = models.TextField()
    note = models.TextField(default="")
    policy = models.JSONField()
    outcome = models.JSONField()
    cube = models.ForeignKey(Snapshot, on_delete=models.PROTECT, related_name="+")
    survey = models.ForeignKey(Snapshot, on_delete=models.PROTECT, related_name="+", null=True)
    created_by = models.BigIntegerField()
    created_label = models.TextField(default="")
    created_at = models.DateTimeField()


class Study(models.Model):
    """One row is one look at scores or at a model: signs that answers were bent, or a model held against a newer survey.

    .. pii: the watch names enumerators by their codes; no household stands in it
    """

    class Kind(models.TextChoices):
        """What was looked at."""

        WATCH = "WATCH"
        DRIFT = "DRIFT"

    kind = models.TextField(choices=Kind.choices)
    model = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="+", null=True)
    asked = models.JSONField(help_text="cut-off, window, columns: what was asked")
    result = models.JSONField()
    created_by = models.BigIntegerField()
    created_label = models.TextField(default="")
    created_at = models.DateTimeField()
