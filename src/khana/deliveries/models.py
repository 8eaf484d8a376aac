"""What arrives in bulk: contracts, batches and quarantined rows.

A *contract* says how to read a file; a *batch* is one file read under one contract; a
*quarantined row* could not be read and waits for a correction. Agency and area columns carry
the scope that row security holds rows against.
"""

from __future__ import annotations

from django.db import models

from khana.platform.models import StoredFile


class Contract(models.Model):
    """One row is one version of a contract; a new version is a new row.

    .. no_pii:
    """

    code = models.TextField()
    version = models.IntegerField()
    entity = models.TextField()
    agency = models.TextField(default="", blank=True)
    body = models.JSONField()
    created_at = models.DateTimeField()
    created_by = models.BigIntegerField()

    class Meta:
        """A version once."""

        constraints = [models.UniqueConstraint(fields=["code", "version"], name="contract_version_once")]


class Batch(models.Model):
    """One row is one file read under one contract version: the unit that is loaded or not.

    A row is never removed: when its file and its rows are erased by rule, its counts and hashes stay, with a tombstone.

    .. no_pii: counts, codes and hashes; the file itself is in the file store
    """

    class State(models.TextChoices):
        """KEPT (file safe) -> LOADED, or FAILED and again KEPT on retry."""

        KEPT = "KEPT"
        LOADED = "LOADED"
        FAILED = "FAILED"

    TRANSITIONS = {
        State.KEPT: {State.LOADED, State.FAILED},
        State.FAILED: {State.KEPT, State.LOADED},
        State.LOADED: set(),
    }

    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="+")
    file = models.ForeignKey(StoredFile, on_delete=models.PROTECT, related_name="+")
    file_name = models.TextField()
    entity = models.TextField()
    source_code = models.TextField(default="", blank=True)
    agency = models.TextField(default="", blank=True)
    state = models.TextField(choices=State.choices, default=State.KEPT)
    replays = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="+")
    replaced_by = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="+")
    over_at = models.DateTimeField(
        null=True, help_text="since when its rows count no more, by the rule of retention LISTS"
    )
    rows_in = models.BigIntegerField(default=0)
    rows_loaded = models.BigIntegerField(default=0)
    rows_quarantined = models.BigIntegerField(default=0)
    lines_not_data = models.BigIntegerField(default=0)
    rows_sha256 = models.TextField(default="")
    error_code = models.TextField(default="")
    error_message = models.TextField(default="")
    received_at = models.DateTimeField()
    loaded_at = models.DateTimeField(null=True)
    received_by = models.BigIntegerField()

    class Meta:
        """The same file under the same contract for the same source is one batch."""

        constraints = [
            models.UniqueConstraint(fields=["file", "contract", "source_code"], name="batch_file_once"),
        ]


class QuarantinedRow(models.Model):
    """One row is one row of a file that could not be read, kept as it came.

    A data steward, or the officer of its agency, corrects it and replays it.

    .. pii: the raw text, encrypted; kept until replayed or discarded, then one year; no longer than its list
    """

    class State(models.TextChoices):
        """OPEN -> REPLAYED (corrected and loaded) or DISCARDED (with a reason)."""

        OPEN = "OPEN"
        REPLAYED = "REPLAYED"
        DISCARDED = "DISCARDED"

    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="+")
    source_code = models.TextField(default="", blank=True)
    agency = models.TextField(default="", blank=True)
    sheet = models.TextField(default="", blank=True)
    line = models.IntegerField()
    column = models.TextField(default="", blank=True)
    code = models.TextField()
    detail = models.TextField(default="", blank=True)
    raw_ciphertext = models.BinaryField()
    state = models.TextField(choices=State.choices, default=State.OPEN)
    corrected_ciphertext = models.BinaryField(null=True)
    replayed_in = models.ForeignKey(Batch, null=True, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField(default="", blank=True)
    changed_at = models.DateTimeField(null=True)

    class Meta:
        """For the page of one source."""

        indexes = [models.Index(fields=["source_code", "state"])]
