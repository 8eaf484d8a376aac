"""Users, their credentials, sessions, grants and the permissions of roles.

Only definer functions of the database touch credentials and sessions; the web and worker roles
have no rights on those two tables (see `migrations/0002_policies.py`).
"""

from __future__ import annotations

from django.db import models


class User(models.Model):
    """One row is one person or one system that may act; made by an administrator.

    .. pii: display_name of staff; kept while the audit log names the actor
    """

    username = models.TextField(unique=True)
    display_name = models.TextField()
    language = models.CharField(max_length=8, default="en")
    kind = models.TextField(choices=[("STAFF", "STAFF"), ("SYSTEM", "SYSTEM")], default="STAFF")
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField()
    reopened_at = models.DateTimeField(null=True, help_text="when somebody opened the user again")


class Credential(models.Model):
    """One row is the secret side of one user: what proves her password and second factor.

    The verifier is SHA-256 of the scrypt key, so that a process must know the password to open
    a session: reading this table would not be enough, and the web role cannot read it.

    .. pii: authentication secrets; deleted with the user
    """

    user = models.OneToOneField(User, primary_key=True, on_delete=models.PROTECT, related_name="+")
    salt = models.BinaryField(max_length=16)
    verifier = models.BinaryField(max_length=32)
    totp_ciphertext = models.BinaryField(null=True)
    totp_last_step = models.BigIntegerField(default=0)
    failed_count = models.IntegerField(default=0)
    locked_until = models.DateTimeField(null=True)
    blocks = models.SmallIntegerField(default=1, db_default=1, help_text="of scrypt: how much work one guess is")
    first_until = models.DateTimeField(
        null=True, help_text="the password was made by somebody else, and until when it opens the door to one's own"
    )


class Session(models.Model):
    """One row is one opaque token in use, by its hash; the token itself is nowhere.

    .. no_pii:
    """

    class Kind(models.TextChoices):
        """Who holds the token."""

        WEB = "WEB"
        TOKEN = "TOKEN"  # noqa: S105 - a kind, not a secret
        JOB = "JOB"

    token_hash = models.BinaryField(max_length=32, primary_key=True)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    kind = models.TextField(choices=Kind.choices)
    opened_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True, help_text="when the second factor was shown")
    closed_at = models.DateTimeField(null=True)
    held_at = models.DateTimeField(null=True, help_text="opened by a first password: since when it waits for one's own")


class Grant(models.Model):
    """One row gives one user one role over one area and one agency, between two dates.

    An empty area_path, agency or programme means all. Given by an administrator, never changed: ended. A grant with
    a mandate (the number of an agreement) or a purpose counts only in a transaction that names it; a strong one counts
    when a second person has confirmed it (`khana_private.access_grant_rules` says which are strong).

    .. no_pii:
    """

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    role = models.TextField()
    area_path = models.TextField(default="", blank=True)
    agency = models.TextField(default="", blank=True)
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField(null=True)
    granted_by = models.BigIntegerField(null=True)
    mandate = models.TextField(default="", db_default="", blank=True)
    programme = models.TextField(default="", db_default="", blank=True)
    purpose = models.TextField(default="", db_default="", blank=True)
    reason = models.TextField(default="", db_default="", blank=True, help_text="why, where glass was broken")
    needs_second = models.BooleanField(default=False, db_default=False)
    confirmed_at = models.DateTimeField(null=True)
    confirmed_by = models.BigIntegerField(null=True)


class RolePermission(models.Model):
    """One row says that a role holds a permission; loaded from `roles.yaml` by the owner.

    .. no_pii:
    """

    role = models.TextField()
    permission = models.TextField()
    shows_people = models.BooleanField(
        default=False, db_default=False, help_text="held by a trained person under an undertaking only"
    )

    class Meta:
        """A role holds a permission once."""

        constraints = [models.UniqueConstraint(fields=["role", "permission"], name="role_permission_once")]


class RoleTrait(models.Model):
    """One row says what the database must know of one role; loaded from `roles.yaml` by the owner.

    .. no_pii:
    """

    role = models.TextField(unique=True)
    is_strong = models.BooleanField(help_text="a grant of it counts when a second person has confirmed it")
    shows_people = models.BooleanField()
    keeps_keys = models.BooleanField()
    for_machines = models.BooleanField(help_text="the only roles of a user without sign-in")


class Clearance(models.Model):
    """One row is one training that a user finished, or one undertaking that she signed, until a date.

    Without one of each in force no permission that shows people counts. Recorded by an administrator, never for
    herself; never changed, but withdrawn.

    .. pii: says of a member of staff what she learned and signed; kept while the audit log names her
    """

    class Kind(models.TextChoices):
        """What it is."""

        TRAINING = "TRAINING"
        UNDERTAKING = "UNDERTAKING"

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    kind = models.TextField(choices=Kind.choices)
    title = models.TextField(help_text="name of the course, or of the text that was signed")
    paper_sha256 = models.CharField(max_length=64, default="", blank=True, help_text="hash of the signed paper")
    completed_on = models.DateField()
    expires_on = models.DateField()
    recorded_by = models.BigIntegerField(null=True)
    recorded_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)


class Alarm(models.Model):
    """One row is one thing that a data-protection officer must look at, and what came of it: the case is the row.

    Raised by the database itself (glass broken, unusual reading); closed with a finding by somebody whom it is not about.

    .. no_pii: names staff by number; subjects are ids
    """

    kind = models.TextField()
    user_id = models.BigIntegerField(null=True, help_text="whom it is about")
    raised_at = models.DateTimeField()
    details = models.JSONField(default=dict)
    fingerprint = models.TextField(unique=True, help_text="one alarm for one thing, however often it is looked for")
    assigned_to = models.BigIntegerField(null=True)
    due_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    closed_by = models.BigIntegerField(null=True)
    outcome = models.TextField(default="", blank=True)
    finding = models.TextField(default="", blank=True)


class WatchedSubject(models.Model):
    """One row is one file whose every reading raises an alarm: a well-known person, or somebody near an officer.

    .. no_pii: points at a file by its number
    """

    subject = models.TextField(help_text="person:12 or household:PK-1")
    kind = models.TextField(choices=[("CELEBRITY", "CELEBRITY"), ("NEIGHBOUR", "NEIGHBOUR")])
    user_id = models.BigIntegerField(null=True, help_text="whose neighbour it is; nobody's for the well-known")
    added_by = models.BigIntegerField(null=True)
    added_at = models.DateTimeField()


class Breach(models.Model):
    """One row is one breach of personal data: what happened, when somebody knew, who was told when, what was learned.

    Kept by the data-protection officer. What happened and when it was known are never changed.

    .. no_pii: counts and kinds; free text says what happened, never whom it concerned
    """

    number = models.TextField(default="", blank=True)
    country = models.CharField(max_length=3)
    what = models.TextField()
    kinds = models.JSONField(default=list)
    person_count = models.BigIntegerField()
    risk = models.TextField(choices=[("UNLIKELY", "UNLIKELY"), ("LIKELY", "LIKELY"), ("HIGH", "HIGH")])
    measures = models.TextField(default="", blank=True)
    alarm_id = models.BigIntegerField(null=True)
    aware_at = models.DateTimeField()
    opened_at = models.DateTimeField()
    authority_told_at = models.DateTimeField(null=True)
    persons_told_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    lesson = models.TextField(default="", blank=True)


class LegalHold(models.Model):
    """One row says that something is not erased though its time is over, because a court or an audit needs it.

    .. no_pii: names a rule and a batch, a partner or an area
    """

    rule = models.TextField(help_text="code of a rule of retention; * for every one")
    subject = models.TextField(default="", blank=True, help_text="batch:12, partner:3, area:PK.PK5.; all where empty")
    reason = models.TextField()
    placed_by = models.BigIntegerField()
    placed_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)


class Passkey(models.Model):
    """One row is the public half of one passkey of one user: what it signs opens a session, here in the database.

    Added by her alone from a session that she has just opened; removed by her or by who keeps users. Never deleted.

    .. no_pii: a public key and the name that she gave to her device
    """

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    credential = models.BinaryField(max_length=1023, unique=True)
    algorithm = models.TextField(choices=[("ES256", "ES256"), ("RS256", "RS256")])
    public_key = models.BinaryField(
        max_length=512, help_text="x and y of P-256, or the modulus of RSA; its exponent is 65537"
    )
    use_count = models.BigIntegerField(default=0, help_text="the device's own count of its signatures")
    domain = models.TextField(help_text="the host name that it was made for; it works at no other")
    name = models.TextField()
    made_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    removed_at = models.DateTimeField(null=True)
    removed_by = models.BigIntegerField(null=True)


class Riddle(models.Model):
    """One row is one riddle given out and not yet answered, by its hash: good once, for ten minutes.

    .. no_pii:
    """

    mark = models.BinaryField(max_length=32, primary_key=True)
    kind = models.TextField()
    user_id = models.BigIntegerField(null=True)
    made_at = models.DateTimeField()


class Provider(models.Model):
    """One row is the OpenID Connect provider whose word opens a session for staff that are linked; one is in force.

    Its keys are fetched from its own address by the worker; the web role cannot put any.

    .. no_pii:
    """

    issuer = models.TextField()
    client = models.TextField(help_text="who we are to it")
    title = models.TextField(help_text="what the button says")
    secret_ciphertext = models.BinaryField(null=True)
    authorise_url = models.TextField()
    exchange_url = models.TextField()
    keys_url = models.TextField()
    keys = models.JSONField()
    keys_at = models.DateTimeField()
    demanded_class = models.TextField(default="", blank=True, help_text="the only acr that counts, where one is named")
    set_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)


class Link(models.Model):
    """One row says who a member of staff is at the provider: an officer made it, the provider never makes a user.

    .. pii: subject of a member of staff at the provider; kept while the audit log names her
    """

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    issuer = models.TextField()
    subject = models.TextField()
    made_at = models.DateTimeField()
    made_by = models.BigIntegerField(null=True)
    used_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        """A subject is one user's."""

        constraints = [
            models.UniqueConstraint(
                fields=["issuer", "subject"], condition=models.Q(ended_at__isnull=True), name="subject_of_one_user"
            )
        ]


class Erasure(models.Model):
    """One row says that one person's file is to be erased, or was: by rule, or by a wish that two officers carried out.

    The number of the file stays, in the event log too, and leads to nobody. Never changed but by the function that erases.

    .. no_pii: points at a file by its number; the reason says by which right, never who she is
    """

    person_id = models.BigIntegerField()
    area_path = models.TextField(default="", blank=True)
    rule = models.TextField(help_text="PERSONS by rule, REQUEST by her own wish")
    reason = models.TextField(default="", blank=True)
    asked_by = models.BigIntegerField(null=True)
    asked_at = models.DateTimeField()
    confirmed_by = models.BigIntegerField(null=True)
    erased_at = models.DateTimeField(null=True)
    counts = models.JSONField(default=dict)

    class Meta:
        """By file."""

        indexes = [models.Index(fields=["person_id"], name="erasure_person")]


class Tombstone(models.Model):
    """One row says what of one delivery was erased by rule: when, by which rule, how much, and the hashes of what is gone.

    The batch itself stays, and its events in the log. Written only by the functions that erase.

    .. no_pii: counts, codes and hashes
    """

    class What(models.TextChoices):
        """The rows that were loaded or lay in quarantine, or the file that was kept."""

        ROWS = "ROWS"
        FILE = "FILE"

    batch_id = models.BigIntegerField()
    what = models.TextField(choices=What.choices)
    rule = models.TextField()
    source_code = models.TextField(default="", blank=True)
    agency = models.TextField(default="", blank=True)
    file_name = models.TextField()
    sha256 = models.CharField(max_length=64, help_text="of the file, byte for byte")
    size = models.BigIntegerField()
    rows_sha256 = models.TextField(default="", blank=True, help_text="over the rows as they were read")
    rows_erased = models.BigIntegerField(default=0)
    rows_kept = models.BigIntegerField(default=0, help_text="held or needed: asked again every night")
    is_whole = models.BooleanField(help_text="nothing of it is left")
    erased_at = models.DateTimeField()
    erased_by = models.BigIntegerField(null=True, help_text="empty: the worker, at night")

    class Meta:
        """Once a delivery and kind; by hash, to know it when it is brought again."""

        constraints = [models.UniqueConstraint(fields=["batch_id", "what"], name="tombstone_once")]
        indexes = [models.Index(fields=["sha256"], name="tombstone_sha256")]
