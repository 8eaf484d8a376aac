"""The event log and its seals: rows are added, never changed (a trigger refuses it).

An event is written in the same transaction as the change it tells of; the sealer later binds
events in order into a hash chain. Seals stand apart so that writing never waits for a chain.
"""

from __future__ import annotations

from django.db import models


class Event(models.Model):
    """One row is one thing that somebody did, or one batch of rows that she wrote.

    .. no_pii: details hold ids, codes and counts only
    """

    at = models.DateTimeField()
    actor_id = models.BigIntegerField(null=True)
    actor_label = models.TextField()
    action = models.TextField()
    subject = models.TextField()
    details = models.JSONField(default=dict)
    purpose = models.TextField(
        default="", db_default="", blank=True, help_text="code of the purpose that the actor named"
    )
    agreement = models.TextField(
        default="", db_default="", blank=True, help_text="number of the agreement that the read rests on"
    )
    request = models.TextField(
        default="", db_default="", blank=True, help_text="message or reference that asked for it"
    )

    class Meta:
        """Indexes for `who saw this file` and `what did she do`."""

        indexes = [models.Index(fields=["subject", "at"]), models.Index(fields=["actor_id", "at"])]


class Seal(models.Model):
    """One row binds one event into the chain: hash = SHA-256(previous hash, event).

    .. no_pii:
    """

    event = models.OneToOneField(Event, on_delete=models.PROTECT, related_name="+")
    previous_hash = models.BinaryField(max_length=32)
    hash = models.BinaryField(max_length=32)
