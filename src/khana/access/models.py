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


class Grant(models.Model):
    """One row gives one user one role over one area and one agency, between two dates.

    An empty area_path or agency means all. Given by an administrator, never changed: ended. A grant with a
    mandate (the number of an agreement) counts only in a transaction that names the mandate.

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


class RolePermission(models.Model):
    """One row says that a role holds a permission; loaded from `roles.yaml` by the owner.

    .. no_pii:
    """

    role = models.TextField()
    permission = models.TextField()

    class Meta:
        """A role holds a permission once."""

        constraints = [models.UniqueConstraint(fields=["role", "permission"], name="role_permission_once")]
