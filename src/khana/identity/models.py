"""What proves or denies: extracts of other registers, answers of authorities, consent, family checks, civil events.

Numbers are kept as tokens with ciphertext beside. Extracts are replaced as a whole by a newer one (`batch_id` names
it); an authority's answer is added and never changed; what changes a person's file is a proposal that a human decides.
"""

from __future__ import annotations

import uuid

from django.db import models

from khana.registry.models import Household, Person


class NationalIdRecord(models.Model):
    """One row is one number that the identity authority has issued.

    .. pii: number, names, birth, death, relatives' tokens; replaced by the next extract
    """

    type = models.TextField()
    token = models.BinaryField(max_length=32)
    ciphertext = models.BinaryField()
    name = models.TextField(default="")
    name_native = models.TextField(default="")
    father_name = models.TextField(default="")
    husband_name = models.TextField(default="")
    sex = models.CharField(max_length=1, default="")
    birth_date = models.DateField(null=True)
    status = models.TextField(default="")
    death_date = models.DateField(null=True)
    marital = models.CharField(max_length=1, default="")
    father_token = models.BinaryField(null=True)
    spouse_token = models.BinaryField(null=True)
    batch_id = models.BigIntegerField()

    class Meta:
        """By number."""

        indexes = [models.Index(fields=["token"], name="national_id_token")]


class SimRecord(models.Model):
    """One row is one mobile number and the identifier it is registered to.

    .. pii: telephone and number as tokens
    """

    mobile_token = models.BinaryField(max_length=32)
    id_token = models.BinaryField(max_length=32)
    batch_id = models.BigIntegerField()

    class Meta:
        """Both ways."""

        indexes = [
            models.Index(fields=["mobile_token"], name="sim_mobile"),
            models.Index(fields=["id_token"], name="sim_id"),
        ]


class PublicEmployee(models.Model):
    """One row is one serving or retired public employee.

    .. pii: number, name, employer
    """

    employee_number = models.TextField()
    name = models.TextField(default="")
    guardian_name = models.TextField(default="")
    id_token = models.BinaryField(null=True)
    id_ciphertext = models.BinaryField(null=True)
    department = models.TextField(default="")
    grade = models.SmallIntegerField(null=True)
    birth_date = models.DateField(null=True)
    status = models.TextField(help_text="SERVING or PENSIONER")
    batch_id = models.BigIntegerField()

    class Meta:
        """By number."""

        indexes = [models.Index(fields=["id_token"], name="employee_token")]


class ExtractLoad(models.Model):
    """One row says when an extract was loaded whole: the age of every answer that it gives.

    .. no_pii: counts and dates
    """

    register = models.TextField(help_text="table of the extract")
    batch_id = models.BigIntegerField()
    rows = models.BigIntegerField()
    as_of = models.DateTimeField(help_text="the moment that its rows speak of; when it came, if nothing else is said")


class Authority(models.Model):
    """One row is one authority that can be asked about a number, and how; secrets lie outside the database.

    .. no_pii: addresses and terms of a system
    """

    class Kind(models.TextChoices):
        """The way in which it is asked; see `gateways`."""

        OFFLINE = "OFFLINE"
        DCI = "DCI"
        MOSIP = "MOSIP"

    code = models.TextField(unique=True)
    title = models.TextField(default="")
    kind = models.TextField(choices=Kind.choices)
    base_url = models.TextField(default="", blank=True)
    settings = models.JSONField(default=dict)
    per_second = models.FloatField(default=5.0)
    batch_size = models.IntegerField(default=100)
    tries = models.SmallIntegerField(default=4)
    timeout_seconds = models.FloatField(default=15.0)
    max_age_days = models.IntegerField(default=365, help_text="an answer about an older state counts no more")
    needs_consent = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)


class Consent(models.Model):
    """One row is one code that was sent to a person's registered telephone so that she may say yes to one purpose.

    .. pii: that she was asked, her telephone as a token; the code as a keyed hash; kept as evidence with her file
    """

    transaction = models.UUIDField(default=uuid.uuid4, unique=True)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    area_path = models.TextField()
    purpose = models.TextField(help_text="code, such as identity_verification")
    channel = models.TextField(help_text="SMS:gateway, SMS:command or SMS:file")
    telephone_from = models.TextField(help_text="SIM_REGISTER: hers by the telephone authority; FILE: as she said it")
    mobile_token = models.BinaryField(max_length=32)
    code_hash = models.BinaryField(max_length=32)
    sent_at = models.DateTimeField()
    expires_at = models.DateTimeField(help_text="of the code")
    tries = models.SmallIntegerField(default=0)
    given_at = models.DateTimeField(null=True)
    good_until = models.DateTimeField(null=True)
    actor_id = models.BigIntegerField(help_text="who asked her")

    class Meta:
        """By person."""

        indexes = [models.Index(fields=["person"], name="consent_person")]


class Verification(models.Model):
    """One row is one answer of one authority about one number of one person, with what it said; never changed.

    .. pii: the answer itself, encrypted; kept for the life of the file that it speaks about
    """

    class Outcome(models.TextChoices):
        """What follows from the answer."""

        MATCH = "MATCH"
        MISMATCH = "MISMATCH"
        NOT_FOUND = "NOT_FOUND"
        DECEASED = "DECEASED"
        UNRELIABLE = "UNRELIABLE"
        UNANSWERED = "UNANSWERED"

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    area_path = models.TextField()
    identifier_id = models.BigIntegerField(null=True)
    token = models.BinaryField(max_length=32)
    authority = models.TextField()
    outcome = models.TextField(choices=Outcome.choices)
    counts = models.BooleanField(help_text="young enough and without contradiction: may move a number's status")
    why = models.TextField(default="", blank=True, help_text="code where the answer is not a plain one")
    agreed = models.JSONField(default=dict, help_text="what was compared: true, false; absent where unknown")
    as_of = models.DateTimeField(null=True, help_text="the moment that the answer speaks of")
    asked_at = models.DateTimeField()
    transaction = models.TextField(default="", blank=True)
    consent = models.ForeignKey(Consent, null=True, on_delete=models.PROTECT, related_name="+")
    answer_ciphertext = models.BinaryField(null=True)
    answer_sha256 = models.CharField(max_length=64, default="", blank=True)
    actor_id = models.BigIntegerField()

    class Meta:
        """By person and number, newest first."""

        indexes = [
            models.Index(fields=["person", "-id"], name="verification_person"),
            models.Index(fields=["token", "authority", "-id"], name="verification_token"),
        ]


class FamilyCheck(models.Model):
    """One row holds one claimed member against the families of the listed ones, with the tie that was found or not.

    .. pii: who is whose relative
    """

    class Result(models.TextChoices):
        """As the authority sorts claims: by itself, by a person, or not."""

        VERIFIED = "VERIFIED"
        MANUAL = "MANUAL"
        REJECTED = "REJECTED"

    household = models.ForeignKey(Household, on_delete=models.PROTECT, related_name="+")
    area_path = models.TextField()
    token = models.BinaryField(max_length=32)
    person_id = models.BigIntegerField(null=True, help_text="her file, where she has one")
    result = models.TextField(choices=Result.choices)
    tie = models.TextField(default="", blank=True, help_text="such as beta:child")
    via_person_id = models.BigIntegerField(null=True, help_text="the listed member whose family she belongs to")
    why = models.TextField(default="", blank=True)
    batch_id = models.BigIntegerField(null=True, help_text="the extract that was read")
    checked_at = models.DateTimeField()
    actor_id = models.BigIntegerField()
    decision = models.TextField(default="", blank=True, help_text="ACCEPTED or REFUSED, of a MANUAL one")
    decision_reason = models.TextField(default="", blank=True)
    decided_by = models.BigIntegerField(null=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        """By household."""

        indexes = [models.Index(fields=["household"], name="family_check_household")]


class CivilEvent(models.Model):
    """One row is one birth, death, marriage or divorce that civil registration told, and what a human made of it.

    Nothing in the register changes by an event: it proposes, somebody accepts or refuses.

    .. pii: what was told, encrypted; numbers as tokens; kept as evidence with the file
    """

    class Kind(models.TextChoices):
        """What happened."""

        BIRTH = "BIRTH"
        DEATH = "DEATH"
        MARRIAGE = "MARRIAGE"
        DIVORCE = "DIVORCE"

    class State(models.TextChoices):
        """Where the event stands; see `TRANSITIONS`."""

        RECEIVED = "RECEIVED"
        UNREADABLE = "UNREADABLE"
        UNMATCHED = "UNMATCHED"
        AMBIGUOUS = "AMBIGUOUS"
        REPEATED = "REPEATED"
        PROPOSED = "PROPOSED"
        ACCEPTED = "ACCEPTED"
        REFUSED = "REFUSED"

    TRANSITIONS = {
        State.RECEIVED: {State.UNMATCHED, State.AMBIGUOUS, State.REPEATED, State.PROPOSED},
        State.UNMATCHED: {State.AMBIGUOUS, State.PROPOSED},
        State.AMBIGUOUS: {State.UNMATCHED, State.PROPOSED},
        State.PROPOSED: {State.ACCEPTED, State.REFUSED},
        State.UNREADABLE: set(),
        State.REPEATED: set(),
        State.ACCEPTED: set(),
        State.REFUSED: set(),
    }

    source = models.TextField(help_text="code of the partner that told it")
    partner_user_id = models.BigIntegerField(help_text="of the partner, for row security")
    message = models.UUIDField(null=True, help_text="the message it came with")
    reference = models.TextField(default="", blank=True)
    kind = models.TextField(choices=Kind.choices, blank=True)
    event_date = models.DateField(null=True)
    token = models.BinaryField(null=True, max_length=32, help_text="of the person that it is about")
    spouse_token = models.BinaryField(null=True, max_length=32)
    parent_token = models.BinaryField(null=True, max_length=32)
    second_parent_token = models.BinaryField(null=True, max_length=32)
    content_ciphertext = models.BinaryField(null=True)
    content_sha256 = models.CharField(max_length=64, default="", blank=True)
    content_mark = models.BinaryField(null=True, max_length=32, help_text="the same for the same event told twice")
    received_at = models.DateTimeField()
    state = models.TextField(choices=State.choices, default=State.RECEIVED)
    why = models.TextField(default="", blank=True)
    placed_at = models.DateTimeField(null=True)
    person = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    other_person_id = models.BigIntegerField(null=True)
    household = models.ForeignKey(Household, null=True, on_delete=models.PROTECT, related_name="+")
    area_path = models.TextField(default="", blank=True)
    decided_by = models.BigIntegerField(null=True)
    decided_at = models.DateTimeField(null=True)
    decision_reason = models.TextField(default="", blank=True)

    class Meta:
        """By number, by state, and told once."""

        indexes = [
            models.Index(fields=["token"], name="civil_event_token"),
            models.Index(fields=["state", "id"], name="civil_event_state"),
            models.Index(fields=["source", "content_mark"], name="civil_event_once"),
        ]
