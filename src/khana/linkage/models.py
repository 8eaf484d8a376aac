"""Models of matching, runs, candidate pairs with their decisions, labels, and who stands in which cluster.

A *pair* is two records that may be one person: two files of the registry, or a row of a list and a
file. It carries both areas: only who may read both sees it. What a model decided is replaced by the
next run; what a person decided stays until a person decides otherwise, and every outcome is a label.
"""

from __future__ import annotations

from django.db import models


class MatchingModel(models.Model):
    """One row is one version of a matching model with its card; in use only after two people approved it.

    .. no_pii: probabilities, passes, thresholds, hashes
    """

    class State(models.TextChoices):
        """DRAFT -> ACTIVE (two approvals; the database counts them) -> RETIRED."""

        DRAFT = "DRAFT"
        ACTIVE = "ACTIVE"
        RETIRED = "RETIRED"

    TRANSITIONS = {
        State.DRAFT: {State.ACTIVE, State.RETIRED},
        State.ACTIVE: {State.RETIRED},
        State.RETIRED: {State.ACTIVE},
    }

    version = models.TextField(unique=True)
    state = models.TextField(choices=State.choices, default=State.DRAFT)
    card = models.JSONField()
    digest = models.TextField(help_text="SHA-256 over what decides")
    estimate = models.JSONField(default=dict, help_text="precision and recall from labels, with their design")
    trained_at = models.DateTimeField()
    trained_by = models.BigIntegerField()
    activated_at = models.DateTimeField(null=True)
    retired_at = models.DateTimeField(null=True)

    class Meta:
        """At most one is in use."""

        constraints = [
            models.UniqueConstraint(fields=["state"], condition=models.Q(state="ACTIVE"), name="one_active_model"),
        ]


class Approval(models.Model):
    """One row is one person's approval of one model; never changed, never given for somebody else.

    .. no_pii: an actor and a model
    """

    model = models.ForeignKey(MatchingModel, on_delete=models.PROTECT, related_name="+")
    approved_by = models.BigIntegerField()
    approved_at = models.DateTimeField()

    class Meta:
        """Once a person."""

        constraints = [models.UniqueConstraint(fields=["model", "approved_by"], name="approval_once")]


class LinkageRun(models.Model):
    """One row is one run of a model over the registry, over what changed in it (CHANGES), or over rows of lists.

    .. no_pii: counts, codes and hashes
    """

    class State(models.TextChoices):
        """RUNNING -> DONE (its pairs are shown) or FAILED."""

        RUNNING = "RUNNING"
        DONE = "DONE"
        FAILED = "FAILED"

    TRANSITIONS = {State.RUNNING: {State.DONE, State.FAILED}, State.DONE: set(), State.FAILED: set()}

    model = models.ForeignKey(MatchingModel, on_delete=models.PROTECT, related_name="+")
    kind = models.TextField(help_text="REGISTRY or LISTS")
    state = models.TextField(choices=State.choices, default=State.RUNNING)
    snapshot = models.TextField(default="", help_text="hash of the records that were compared")
    counts = models.JSONField(default=dict)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    actor_id = models.BigIntegerField()


class Pair(models.Model):
    """One row is two records that may be one person, and what became of them.

    Each side is a person of the registry (PERSON) or a row of a list (ROW, with the role it is compared in); a row and a
    person stand in that order, two of one kind with the smaller id on the left.

    .. pii: links two records of people; kept while either is kept
    """

    class Decision(models.TextChoices):
        """What holds now. Of a run: LINKED, REVIEW, APART. Of a person: LINKED, REJECTED, ASK_FIELD."""

        LINKED = "LINKED"
        REVIEW = "REVIEW"
        REJECTED = "REJECTED"
        ASK_FIELD = "ASK_FIELD"
        APART = "APART"

    TRANSITIONS = {
        Decision.REVIEW: {Decision.LINKED, Decision.REJECTED, Decision.ASK_FIELD, Decision.APART},
        Decision.APART: {Decision.LINKED, Decision.REVIEW, Decision.REJECTED, Decision.ASK_FIELD},
        Decision.LINKED: {Decision.REVIEW, Decision.REJECTED, Decision.ASK_FIELD, Decision.APART},
        Decision.REJECTED: {Decision.LINKED, Decision.REVIEW, Decision.ASK_FIELD},
        Decision.ASK_FIELD: {Decision.LINKED, Decision.REVIEW, Decision.REJECTED},
    }

    run = models.ForeignKey(LinkageRun, on_delete=models.PROTECT, related_name="+", db_index=False)
    left_kind = models.TextField(help_text="PERSON or ROW")
    left_id = models.BigIntegerField()
    left_role = models.TextField(default="", help_text="beneficiary or payee of a row")
    right_kind = models.TextField(default="PERSON", db_default="PERSON", help_text="PERSON or ROW")
    right_id = models.BigIntegerField()
    right_role = models.TextField(default="", db_default="", help_text="beneficiary or payee of a row")
    area_path = models.TextField(default="")
    left_area_path = models.TextField(default="")
    match_weight = models.FloatField()
    probability = models.FloatField()
    bits = models.JSONField(default=dict, help_text="bits by question")
    contradiction = models.TextField(default="")
    cluster = models.BigIntegerField(null=True, help_text="smallest person of the cluster, where linked")
    stratum = models.TextField(default="", help_text="class of probability, for samples of labels")
    decision = models.TextField(choices=Decision.choices)
    decided_by = models.BigIntegerField(null=True, help_text="null: the model")
    decided_at = models.DateTimeField(null=True)
    stake = models.SmallIntegerField(default=0, help_text="3 the cap, 2 both draw money, 1 one does, 0 none")
    gain = models.FloatField(default=0, help_text="bits that an answer tells: entropy of the probability")
    wants_second = models.BooleanField(default=False)
    sample = models.BigIntegerField(null=True, help_text="place in the draw for labels")

    @property
    def kinds(self) -> str:
        """Tell what the two sides are: PERSON, two files; ROW, a row of a list and a file; ROWS, two rows."""
        return "ROWS" if self.right_kind == "ROW" else self.left_kind

    class Meta:
        """A pair once; the queue in its order."""

        constraints = [
            models.UniqueConstraint(
                fields=["left_kind", "left_id", "left_role", "right_kind", "right_id", "right_role"], name="pair_once"
            ),
        ]
        indexes = [
            models.Index(fields=["decision", "-stake", "-gain", "id"], name="pair_queue"),
            models.Index(fields=["right_id"], name="pair_right"),
        ]


class Label(models.Model):
    """One row is one person's outcome for one pair; never changed, a later one counts instead.

    .. pii: says that two records are one person, or are not
    """

    class Outcome(models.TextChoices):
        """Three outcomes, and a question to the field."""

        SAME = "SAME"
        DIFFERENT = "DIFFERENT"
        UNSURE = "UNSURE"
        ASK_FIELD = "ASK_FIELD"

    pair = models.ForeignKey(Pair, on_delete=models.PROTECT, related_name="+")
    area_path = models.TextField(default="")
    left_area_path = models.TextField(default="")
    outcome = models.TextField(choices=Outcome.choices)
    origin = models.TextField(help_text="PAGE, API or FILE")
    stratum = models.TextField(default="")
    is_sampled = models.BooleanField(default=False, help_text="drawn at random: counts in estimates")
    labelled_by = models.BigIntegerField()
    labelled_at = models.DateTimeField()


class ClusterMember(models.Model):
    """One row says that a file belongs to one cluster of the last run over the registry.

    .. pii: links files of one person
    """

    run = models.ForeignKey(LinkageRun, on_delete=models.PROTECT, related_name="+", db_index=False)
    cluster = models.BigIntegerField(help_text="smallest person of the cluster")
    person_id = models.BigIntegerField()
    area_path = models.TextField(default="")

    class Meta:
        """A file is in one cluster."""

        constraints = [models.UniqueConstraint(fields=["person_id"], name="cluster_member_once")]
        indexes = [models.Index(fields=["cluster"], name="cluster_of")]


class Opening(models.Model):
    """One row is one question from a desk: may the file be opened that lies outside the asker's area.

    Made by a function of the database, which alone knows the file; stewards of the file's area answer once. The asker sees
    her question and the answer, never the file itself.

    .. pii: what the desk stated of the person and what the steward answered, encrypted; kept while the file is kept
    """

    class State(models.TextChoices):
        """ASKED -> OPENED (the answer tells where the file is) or REFUSED (it is somebody else's)."""

        ASKED = "ASKED"
        OPENED = "OPENED"
        REFUSED = "REFUSED"

    TRANSITIONS = {State.ASKED: {State.OPENED, State.REFUSED}, State.OPENED: set(), State.REFUSED: set()}

    person_id = models.BigIntegerField()
    area_path = models.TextField(default="")
    asked_by = models.BigIntegerField()
    asked_at = models.DateTimeField()
    said = models.BinaryField(help_text="what the desk stated, encrypted")
    state = models.TextField(choices=State.choices, default=State.ASKED)
    answered_by = models.BigIntegerField(null=True)
    answered_at = models.DateTimeField(null=True)
    answer = models.BinaryField(default=b"", help_text="what the steward opened, encrypted")

    class Meta:
        """What waits, by area; an asker's own."""

        indexes = [
            models.Index(fields=["state", "id"], name="opening_waits"),
            models.Index(fields=["asked_by", "id"], name="opening_of"),
        ]
