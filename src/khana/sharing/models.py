"""Partners, agreements, approvals, extracts, messages and subscriptions; refusals of people.

What a partner may read is a grant with a mandate (room `access`), made by a trigger when the second approval of
its agreement is given and ended with it; nothing here widens a scope. Secrets of partners are kept as hashes,
requests and answers as ciphertext.
"""

from __future__ import annotations

import uuid

from django.db import models


class Partner(models.Model):
    """One row is one organisation's system that asks through the standard interfaces or is given extracts.

    .. no_pii: public keys and addresses of systems
    """

    class Profile(models.TextChoices):
        """How a partner signs; see `signatures`."""

        CAVAGE = "cavage"
        JWS_COMPACT = "jws-compact"
        JWS_DETACHED = "jws-detached"

    code = models.TextField(unique=True)
    name = models.TextField()
    user_id = models.BigIntegerField(unique=True, help_text="the user of access that acts for the partner")
    sender_id = models.TextField(unique=True, help_text="sender_id of its messages")
    profile = models.TextField(choices=Profile.choices)
    signature_optional = models.BooleanField(default=False)
    jwks = models.JSONField(default=dict, help_text="public keys only")
    callback_hosts = models.JSONField(default=list, help_text="hosts, with port where not the usual one")
    join_group = models.TextField(default="", blank=True, help_text="partners of one group share pseudonyms")
    is_sandbox = models.BooleanField(default=False)
    may_tell = models.JSONField(default=list, help_text="kinds of civil events that are taken from it")
    per_second = models.IntegerField(default=50)
    daily_calls = models.IntegerField(default=100_000)
    secret_hash = models.BinaryField(max_length=32)
    created_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)


class Developer(models.Model):
    """One row says that a person looks after the calls of one partner's system: she sees how they ended, never a content.

    .. no_pii: users and partners
    """

    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="+")
    user_id = models.BigIntegerField(help_text="a person of the partner, signed in like staff")
    added_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        """Once a partner."""

        constraints = [
            models.UniqueConstraint(
                fields=["partner", "user_id"], condition=models.Q(ended_at__isnull=True), name="developer_once"
            )
        ]


class Agreement(models.Model):
    """One row is one agreement between the registry's holder and a partner: what may leave, and on what terms.

    .. no_pii: names of offices that signed
    """

    class Level(models.TextChoices):
        """From the least to the most that may leave."""

        AGGREGATE = "AGGREGATE"
        MICRODATA = "MICRODATA"
        ANSWER = "ANSWER"
        LIST = "LIST"
        RECORD = "RECORD"

    class State(models.TextChoices):
        """DRAFT -> IN_FORCE by a second approval; DRAFT -> REFUSED; IN_FORCE -> ENDED."""

        DRAFT = "DRAFT"
        IN_FORCE = "IN_FORCE"
        REFUSED = "REFUSED"
        ENDED = "ENDED"

    TRANSITIONS = {
        State.DRAFT: {State.IN_FORCE, State.REFUSED},
        State.IN_FORCE: {State.ENDED},
        State.REFUSED: set(),
        State.ENDED: set(),
    }

    number = models.TextField(unique=True)
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="+")
    partner_user_id = models.BigIntegerField(help_text="of the partner, for row security")
    title = models.TextField()
    level = models.TextField(choices=Level.choices)
    purpose = models.TextField(help_text="code, such as eligibility, payment, research")
    legal_basis = models.TextField()
    needs_consent = models.BooleanField(default=False, help_text="households without consent are left out")
    fields = models.JSONField(default=list)
    area_path = models.TextField(default="", blank=True)
    agency = models.TextField(default="", blank=True, help_text="whose benefit rows; empty for every agency")
    programme = models.TextField(default="", blank=True)
    population_rule = models.TextField(default="", blank=True)
    max_rows = models.IntegerField(help_text="of one extract or one search")
    max_extracts = models.IntegerField(default=12)
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField()
    retention_days = models.IntegerField()
    onward_transfer = models.TextField(default="", blank=True, help_text="to whom; empty for nobody")
    signatures = models.JSONField(default=list, help_text="[{party, office, date, sha256 of the signed paper}]")
    destruction_certificate = models.CharField(max_length=64, default="", blank=True, help_text="SHA-256 of it")
    state = models.TextField(choices=State.choices, default=State.DRAFT)
    drafted_by = models.BigIntegerField()
    drafted_at = models.DateTimeField()
    in_force_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)


class Approval(models.Model):
    """One row is one person's yes to one agreement or one extract; two different ones are needed.

    .. no_pii:
    """

    agreement = models.ForeignKey(Agreement, null=True, on_delete=models.PROTECT, related_name="+")
    extract = models.ForeignKey("Extract", null=True, on_delete=models.PROTECT, related_name="+")
    actor_id = models.BigIntegerField()
    approved_at = models.DateTimeField()

    class Meta:
        """One yes a person, to one thing."""

        constraints = [
            models.UniqueConstraint(fields=["agreement", "actor_id"], name="approval_agreement_once"),
            models.UniqueConstraint(fields=["extract", "actor_id"], name="approval_extract_once"),
            models.CheckConstraint(
                condition=models.Q(agreement__isnull=False) ^ models.Q(extract__isnull=False), name="approval_of_one"
            ),
        ]


class Extract(models.Model):
    """One row is one file asked for under an agreement, from draft to delivery and expiry.

    .. pii: the delivered file; kept encrypted to the partner's key until it expires
    """

    class State(models.TextChoices):
        """DRAFT -> APPROVED by a second approval -> DELIVERED -> EXPIRED; FAILED may be approved work done again."""

        DRAFT = "DRAFT"
        APPROVED = "APPROVED"
        DELIVERED = "DELIVERED"
        FAILED = "FAILED"
        REFUSED = "REFUSED"
        EXPIRED = "EXPIRED"

    TRANSITIONS = {
        State.DRAFT: {State.APPROVED, State.REFUSED},
        State.APPROVED: {State.DELIVERED, State.FAILED},
        State.FAILED: {State.DELIVERED, State.REFUSED},
        State.DELIVERED: {State.EXPIRED},
        State.REFUSED: set(),
        State.EXPIRED: set(),
    }

    number = models.TextField(unique=True)
    agreement = models.ForeignKey(Agreement, on_delete=models.PROTECT, related_name="+")
    partner_user_id = models.BigIntegerField()
    fields = models.JSONField(default=list)
    by = models.JSONField(default=list, help_text="dimensions of an aggregate")
    area_path = models.TextField(default="", blank=True)
    population_rule = models.TextField(default="", blank=True)
    reason = models.TextField(default="", blank=True)
    findings = models.JSONField(default=list, help_text="what the machine check said")
    state = models.TextField(choices=State.choices, default=State.DRAFT)
    asked_by = models.BigIntegerField()
    asked_at = models.DateTimeField()
    rows = models.IntegerField(null=True)
    sha256 = models.CharField(max_length=64, default="", blank=True)
    manifest = models.JSONField(default=dict)
    delivered_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    fetched_count = models.IntegerField(default=0)
    message = models.TextField(default="", blank=True)


class ExtractPerson(models.Model):
    """One row says that one person's record left in one extract: for her question who has her data, and for a leak.

    .. pii: that a person was in an extract
    """

    extract_number = models.TextField()
    partner_user_id = models.BigIntegerField()
    person_id = models.BigIntegerField()

    class Meta:
        """Both ways."""

        indexes = [
            models.Index(fields=["extract_number"], name="extract_person_extract"),
            models.Index(fields=["person_id"], name="extract_person_person"),
        ]


class Message(models.Model):
    """One row is one message of a partner: guard against replay, its answer, and how the call-back went.

    .. pii: request and answer, encrypted; removed after thirty days
    """

    class State(models.TextChoices):
        """RECEIVED -> ANSWERED (sync, or call-back delivered) or FAILED (call-back given up, may be replayed)."""

        RECEIVED = "RECEIVED"
        ANSWERED = "ANSWERED"
        FAILED = "FAILED"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, help_text="also the correlation_id")
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="+")
    partner_user_id = models.BigIntegerField()
    registry = models.CharField(max_length=4, help_text="sr or ibr")
    action = models.TextField()
    message_id = models.TextField()
    transaction_id = models.TextField(default="", blank=True)
    received_at = models.DateTimeField()
    state = models.TextField(choices=State.choices, default=State.RECEIVED)
    outcome = models.TextField(default="", blank=True, help_text="error code of the answer, empty where it is good")
    items = models.IntegerField(default=0)
    records = models.IntegerField(default=0)
    attempts = models.IntegerField(default=0)
    request_ciphertext = models.BinaryField(null=True)
    answer_ciphertext = models.BinaryField(null=True)

    class Meta:
        """A message is taken once; a transaction is found."""

        constraints = [models.UniqueConstraint(fields=["partner", "message_id"], name="message_once")]
        indexes = [models.Index(fields=["partner", "transaction_id"], name="message_transaction")]


class Subscription(models.Model):
    """One row is one partner's wish to hear of one kind of event, as far as its agreement reaches.

    .. pii: the filter may hold a number, encrypted
    """

    code = models.TextField(unique=True)
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="+")
    partner_user_id = models.BigIntegerField()
    agreement = models.TextField(default="", blank=True)
    registry = models.CharField(max_length=4)
    event_type = models.TextField()
    record_type = models.TextField()
    filter_hash = models.BinaryField(max_length=32)
    criteria_ciphertext = models.BinaryField()
    callback = models.TextField()
    last_seen_id = models.BigIntegerField(default=0)
    last_seen_other_id = models.BigIntegerField(default=0, help_text="of enrolments, which have two kinds of rows")
    subscribed_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)


class Refusal(models.Model):
    """One row says that a person objects to sharing, or took her consent back; it binds the machine until it ends.

    .. pii: that a person refused
    """

    class Kind(models.TextChoices):
        """What she said."""

        OBJECTION = "OBJECTION"
        CONSENT_WITHDRAWN = "CONSENT_WITHDRAWN"

    person_id = models.BigIntegerField()
    area_path = models.TextField()
    kind = models.TextField(choices=Kind.choices)
    partner_code = models.TextField(default="", blank=True, help_text="empty for every partner")
    told_by = models.TextField(help_text="CITIZEN or OFFICER")
    told_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        """By person."""

        indexes = [models.Index(fields=["person_id"], name="refusal_person")]


class Usage(models.Model):
    """One row counts the calls and rows of one partner on one day, in one of sixteen slots.

    .. no_pii: counts
    """

    partner_user_id = models.BigIntegerField()
    day = models.DateField()
    slot = models.SmallIntegerField()
    calls = models.IntegerField(default=0)
    rows = models.BigIntegerField(default=0)

    class Meta:
        """One count a slot: partners' calls do not wait for one row."""

        constraints = [models.UniqueConstraint(fields=["partner_user_id", "day", "slot"], name="usage_once")]


class CitizenCode(models.Model):
    """One row is one one-time code that was sent to a person for her own file, by the hash of her number.

    .. pii: the token of a number; removed after a day
    """

    token = models.BinaryField(max_length=32)
    person_id = models.BigIntegerField()
    code_hash = models.BinaryField(max_length=32)
    sent_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    tries = models.SmallIntegerField(default=0)
    used_at = models.DateTimeField(null=True)

    class Meta:
        """By number."""

        indexes = [models.Index(fields=["token"], name="citizen_code_token")]


class OtherRegistry(models.Model):
    """One row is one registry of another office that Khana asks and subscribes to, as a client of the standard.

    .. no_pii: addresses and public keys of systems; its secret lies in a file
    """

    code = models.TextField(unique=True)
    title = models.TextField(default="", blank=True)
    base_url = models.TextField(help_text="base before /sync/search, such as https://crvs.example.org/registry")
    sender_id = models.TextField(help_text="sender_id of its messages")
    profile = models.TextField(choices=Partner.Profile.choices, help_text="how it signs, and how we sign to it")
    jwks = models.JSONField(default=dict, help_text="its public keys")
    signature_optional = models.BooleanField(default=False)
    token_url = models.TextField(default="", blank=True, help_text="of its client credentials; empty for none")
    client_id = models.TextField(default="", blank=True)
    partner_code = models.TextField(default="", blank=True, help_text="the partner as which it calls us back")
    created_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)


class Notice(models.Model):
    """One row is one notice to one subscription, from the moment it was made until it was taken or given up.

    .. pii: the records in it, encrypted; removed with messages after thirty days
    """

    class State(models.TextChoices):
        """WAITING -> TAKEN or FAILED (given up; a replay makes it WAITING again)."""

        WAITING = "WAITING"
        TAKEN = "TAKEN"
        FAILED = "FAILED"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, help_text="also the transaction_id")
    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="+")
    partner_user_id = models.BigIntegerField()
    items = models.IntegerField()
    body_ciphertext = models.BinaryField()
    state = models.TextField(choices=State.choices, default=State.WAITING)
    attempts = models.IntegerField(default=0)
    http_status = models.IntegerField(null=True, help_text="of the last try")
    made_at = models.DateTimeField()
    next_try_at = models.DateTimeField()
    taken_at = models.DateTimeField(null=True)

    class Meta:
        """What is due."""

        indexes = [models.Index(fields=["state", "next_try_at"], name="notice_due")]


class Told(models.Model):
    """One row says that a subscription was told of one row of the registry, or looked at it; a week long.

    .. no_pii: numbers of rows
    """

    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="+", db_index=False)
    partner_user_id = models.BigIntegerField()
    subject_id = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        """Once."""

        constraints = [models.UniqueConstraint(fields=["subscription", "subject_id"], name="told_once")]


class Wish(models.Model):
    """One row is one kind of event that Khana asked another registry to tell, and what it answered.

    .. no_pii: codes and times; the answer is kept encrypted
    """

    class State(models.TextChoices):
        """SENT -> IN_FORCE or REFUSED by the registry's answer; IN_FORCE -> ENDED."""

        SENT = "SENT"
        IN_FORCE = "IN_FORCE"
        REFUSED = "REFUSED"
        ENDED = "ENDED"

    registry = models.ForeignKey(OtherRegistry, on_delete=models.PROTECT, related_name="+")
    partner_user_id = models.BigIntegerField(help_text="of the partner as which it answers")
    event_type = models.TextField()
    transaction_id = models.TextField()
    reference = models.TextField()
    correlation_id = models.TextField(default="", blank=True)
    code = models.TextField(default="", blank=True)
    state = models.TextField(choices=State.choices, default=State.SENT)
    answer_ciphertext = models.BinaryField(null=True)
    sent_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)

    class Meta:
        """By transaction."""

        indexes = [models.Index(fields=["transaction_id"], name="wish_transaction")]
