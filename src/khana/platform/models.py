"""Stored files and job runs: what arrived, byte for byte, and what long work is doing.

Words: a *stored file* is content addressed by its hash; a *job run* is one piece of long work
with progress, a cancel request and a resumable state. No domain word appears here.
"""

from __future__ import annotations

import uuid

from django.db import models


class StoredFile(models.Model):
    """One row is one distinct content kept whole, encrypted at rest.

    Written by `platform.files` only; never changed. Kept as long as the retention rule of the
    room that asked for it says.

    .. pii: the content may hold personal data; this row holds none
    """

    sha256 = models.CharField(max_length=64, unique=True)
    size = models.BigIntegerField()
    name = models.TextField()
    stored_at = models.DateTimeField()


class JobRun(models.Model):
    """One row is one run of long work; the worker that runs it and its asker may change it.

    .. no_pii: arguments are codes, dates and ids
    """

    class State(models.TextChoices):
        """Where the run stands; see `TRANSITIONS`."""

        QUEUED = "QUEUED"
        RUNNING = "RUNNING"
        DONE = "DONE"
        FAILED = "FAILED"
        CANCELLED = "CANCELLED"

    TRANSITIONS = {
        State.QUEUED: {State.RUNNING, State.CANCELLED},
        State.RUNNING: {State.DONE, State.FAILED, State.CANCELLED, State.QUEUED},
        State.FAILED: {State.QUEUED},
        State.CANCELLED: {State.QUEUED},
        State.DONE: set(),
    }

    uuid = models.UUIDField(default=uuid.uuid4, unique=True)
    kind = models.TextField()
    arguments = models.JSONField(default=dict)
    state = models.TextField(choices=State.choices, default=State.QUEUED)
    actor_id = models.BigIntegerField()
    actor_label = models.TextField()
    phase = models.TextField(default="")
    progress_done = models.BigIntegerField(default=0)
    progress_total = models.BigIntegerField(default=0)
    cancel_requested = models.BooleanField(default=False)
    message = models.TextField(default="")
    error_code = models.TextField(default="")
    result = models.JSONField(default=dict)
    queued_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
