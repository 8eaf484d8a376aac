"""Forms and their versions, submissions with their stamps and parts, the entity list of households.

A *submission* is one filled form as a phone or a desk sent it; its answers stay in the encrypted file store and nowhere
else. A *stamp* says when it came to a state. An *entity* is a household as phones know it: an id, a version, a label.
"""

from __future__ import annotations

from django.db import models

from khana.platform.models import StoredFile
from khana.registry.models import Household


class Form(models.Model):
    """One row is one questionnaire by its form id; its questions are in its versions.

    .. no_pii:
    """

    code = models.TextField(unique=True)
    title = models.TextField()
    created_at = models.DateTimeField()


class FormVersion(models.Model):
    """One row is one version of a form with the days on which it may be filled; its questions never change.

    .. no_pii:
    """

    class State(models.TextChoices):
        """ACTIVE -> WITHDRAWN; a withdrawn version still reads old answers."""

        ACTIVE = "ACTIVE"
        WITHDRAWN = "WITHDRAWN"

    form = models.ForeignKey(Form, on_delete=models.PROTECT, related_name="+")
    version = models.TextField()
    valid_from = models.DateField()
    valid_to = models.DateField(null=True)
    definition = models.JSONField(default=dict)
    xform = models.TextField()
    xform_md5 = models.TextField()
    source = models.ForeignKey(StoredFile, on_delete=models.PROTECT, related_name="+")
    checked_by = models.TextField(default="", help_text="which checkers saw it")
    dropped_facts = models.JSONField(default=list, help_text="facts let go on purpose, with why")
    state = models.TextField(choices=State.choices, default=State.ACTIVE)
    withdrawn_at = models.DateTimeField(null=True)
    added_at = models.DateTimeField()
    actor_id = models.BigIntegerField()

    class Meta:
        """A version stands once."""

        constraints = [models.UniqueConstraint(fields=["form", "version"], name="form_version_once")]


class Submission(models.Model):
    """One row is one filled form that arrived; the journey alone moves it. Kept as long as the household's file.

    .. pii: points at a household and at who sent it; the answers are in the file store
    """

    class State(models.TextChoices):
        """Where it stands; see `TRANSITIONS`."""

        RECEIVED = "RECEIVED"
        CHECKED = "CHECKED"
        VERIFIED = "VERIFIED"
        MATCHED = "MATCHED"
        REGISTERED = "REGISTERED"
        RETURNED = "RETURNED"
        WAITING = "WAITING"

    TRANSITIONS = {
        State.RECEIVED: {State.CHECKED, State.RETURNED, State.WAITING},
        State.CHECKED: {State.VERIFIED, State.RETURNED, State.WAITING},
        State.VERIFIED: {State.MATCHED, State.RETURNED, State.WAITING},
        State.MATCHED: {State.REGISTERED, State.RETURNED, State.WAITING},
        State.WAITING: {State.RECEIVED, State.RETURNED},
        State.RETURNED: {State.RECEIVED},
        State.REGISTERED: set(),
    }

    instance_id = models.TextField(unique=True)
    form_code = models.TextField()
    version = models.TextField(default="")
    form_version = models.ForeignKey(FormVersion, null=True, on_delete=models.PROTECT, related_name="+")
    area_path = models.TextField()
    reach = models.JSONField(default=list, help_text="areas of the sender when it arrived")
    actor_id = models.BigIntegerField()
    actor_label = models.TextField()
    device_id = models.TextField(default="")
    sha256 = models.TextField(help_text="hash of the answers in the file store")
    size = models.BigIntegerField()
    received_at = models.DateTimeField()
    deprecated_id = models.TextField(default="", help_text="the instance that this one corrects")
    state = models.TextField(choices=State.choices, default=State.RECEIVED)
    state_at = models.DateTimeField()
    reasons = models.JSONField(default=list, help_text="codes of why it waits or was returned")
    findings = models.JSONField(default=list, help_text="code, severity, line; never an answer")
    accepted = models.JSONField(default=list, help_text="reasons that a steward has set aside")
    media = models.JSONField(default=list, help_text="names of the attachments that it speaks of")
    entity_uuid = models.UUIDField(null=True)
    household = models.ForeignKey(Household, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        """Worked off in order; listed newest first."""

        indexes = [
            models.Index(fields=["state", "id"], name="submission_state"),
            models.Index(fields=["area_path", "-received_at"], name="submission_area"),
            models.Index(fields=["entity_uuid"], name="submission_entity"),
        ]


class SubmissionPart(models.Model):
    """One row is one file that came with a submission: a picture, the audit log, or other answers under its id.

    .. pii: the content is in the file store; this row has its name only
    """

    class Kind(models.TextChoices):
        """What the file is."""

        ATTACHMENT = "ATTACHMENT"
        AUDIT = "AUDIT"
        OTHER_ANSWERS = "OTHER_ANSWERS"

    submission = models.ForeignKey(Submission, on_delete=models.PROTECT, related_name="+")
    actor_id = models.BigIntegerField()
    kind = models.TextField(choices=Kind.choices)
    name = models.TextField()
    sha256 = models.TextField()
    size = models.BigIntegerField()
    received_at = models.DateTimeField()

    class Meta:
        """The same file twice changes nothing."""

        constraints = [
            models.UniqueConstraint(fields=["submission", "name", "sha256"], name="submission_part_once"),
        ]


class Stamp(models.Model):
    """One row says when a submission came to a state, who moved it, and why.

    .. no_pii: codes only
    """

    submission = models.ForeignKey(Submission, on_delete=models.PROTECT, related_name="+")
    actor_id = models.BigIntegerField()
    actor_label = models.TextField()
    state = models.TextField(choices=Submission.State.choices)
    reasons = models.JSONField(default=list)
    at = models.DateTimeField()

    class Meta:
        """Read by submission."""

        indexes = [models.Index(fields=["submission", "id"], name="stamp_of_submission")]


class Entity(models.Model):
    """One row is one household on the list that phones carry; its version grows with every registered submission.

    .. pii: name of the head, village and size, for the enumerator at the door
    """

    uuid = models.UUIDField(unique=True)
    household = models.ForeignKey(Household, null=True, on_delete=models.PROTECT, related_name="+")
    area_path = models.TextField()
    version = models.IntegerField(default=1)
    label = models.TextField()
    properties = models.JSONField(default=dict)
    has_conflict = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    actor_id = models.BigIntegerField()

    class Meta:
        """Lists by area; a household stands once."""

        constraints = [models.UniqueConstraint(fields=["household"], name="entity_household_once")]
        indexes = [models.Index(fields=["area_path"], name="entity_area")]


class EntityChange(models.Model):
    """One row is one version of an entity: which submission made it, upon which base, offline on which branch.

    .. pii: points at a household
    """

    entity = models.ForeignKey(Entity, on_delete=models.PROTECT, related_name="+")
    area_path = models.TextField()
    actor_id = models.BigIntegerField()
    version = models.IntegerField()
    base_version = models.IntegerField(null=True)
    branch = models.TextField(default="")
    branch_version = models.IntegerField(null=True, help_text="the version as the phone counted it offline")
    is_conflict = models.BooleanField(default=False)
    submission = models.ForeignKey(Submission, null=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        """A version stands once."""

        constraints = [models.UniqueConstraint(fields=["entity", "version"], name="entity_change_once")]


class Assignment(models.Model):
    """One row gives one enumerator the households of one area for her list, between two days.

    .. no_pii: staff and areas
    """

    user_id = models.BigIntegerField()
    area_path = models.TextField()
    valid_from = models.DateField()
    valid_to = models.DateField(null=True)
    actor_id = models.BigIntegerField()
    assigned_at = models.DateTimeField()
