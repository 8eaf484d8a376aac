"""THE SINGLE REGISTRY: sources, benefits of every agency, findings and the runs that made them.

A *source* is one ministry's MIS; a *benefit* is one row of its list; a *finding* is something
that a run of the consolidation found about a row. Every result names its run, and a run names
the batches it read.
"""

from __future__ import annotations

from django.db import models

from khana.beneficiaries.state_models import (
    Answer,
    Changed,
    Enrolment,
    Graduation,
    Reopened,
    StateChange,
    Stop,
    Transition,
    Trial,
)

__all__ = [
    "Answer", "AreaFigure", "Benefit", "Changed", "Enrolment", "ExitRecord", "Finding", "Graduation", "Recipient",
    "Reopened", "Run", "Source", "StateChange", "Stop", "Transition", "Trial", "UnservedHousehold",
]  # fmt: skip


class Source(models.Model):
    """One row is one programme MIS whose list Khana reads, or keeps in its own pages.

    .. no_pii:
    """

    code = models.TextField(unique=True)
    title = models.TextField()
    agency = models.TextField()
    programmes = models.JSONField(default=list)
    contract_code = models.TextField(default="", blank=True)
    frequency = models.TextField(default="", blank=True)
    is_kept_here = models.BooleanField(default=False)
    created_at = models.DateTimeField()


class Benefit(models.Model):
    """One row is one row of one source's list, as its contract reads it.

    .. pii: numbers (token and ciphertext), names, birth, mobile, account
    """

    batch_id = models.BigIntegerField()
    source_code = models.TextField()
    agency = models.TextField()
    file_name = models.TextField()
    sheet = models.TextField(default="")
    line = models.IntegerField()
    programme = models.TextField()
    period = models.TextField(help_text="2026Q1, 2026-04, 2026H1, 2026F03 ...")
    period_start = models.DateField(null=True)
    period_end = models.DateField(null=True)
    area_code = models.TextField(default="")
    area_path = models.TextField(default="")
    id_raw_state = models.TextField(default="", help_text="OK, MISSING or MALFORMED")
    id_type = models.TextField(default="")
    id_token = models.BinaryField(null=True)
    id_ciphertext = models.BinaryField(null=True)
    name = models.TextField(default="")
    guardian_name = models.TextField(default="")
    sex = models.CharField(max_length=1, default="")
    birth_year = models.SmallIntegerField(null=True)
    birth_month = models.SmallIntegerField(null=True)
    birth_day = models.SmallIntegerField(null=True)
    payee_id_raw_state = models.TextField(default="", help_text="empty where payee is beneficiary")
    payee_id_token = models.BinaryField(null=True)
    payee_id_ciphertext = models.BinaryField(null=True)
    payee_name = models.TextField(default="")
    mobile_token = models.BinaryField(null=True)
    mobile_ciphertext = models.BinaryField(null=True)
    account_token = models.BinaryField(null=True)
    account_ciphertext = models.BinaryField(null=True)
    amount = models.DecimalField(max_digits=14, decimal_places=2, null=True)
    notes = models.JSONField(default=list, help_text="ROW_ODD and FORMULA_TEXT with detail")
    facts = models.JSONField(default=dict)

    class Meta:
        """One physical line gives one benefit of a batch."""

        constraints = [
            models.UniqueConstraint(fields=["batch_id", "sheet", "line"], name="benefit_line_once"),
        ]
        indexes = [
            models.Index(fields=["id_token"], name="benefit_id_token"),
            models.Index(fields=["payee_id_token"], name="benefit_payee_token"),
        ]


class ExitRecord(models.Model):
    """One row is one recorded exit of one person from one programme.

    .. pii: number
    """

    programme = models.TextField()
    id_token = models.BinaryField(null=True)
    id_ciphertext = models.BinaryField(null=True)
    name = models.TextField(default="")
    exit_date = models.DateField()
    exit_reason = models.TextField()
    batch_id = models.BigIntegerField()

    class Meta:
        """By number."""

        indexes = [models.Index(fields=["id_token"], name="exit_token")]


class Run(models.Model):
    """One row is one consolidation: what it read, when, and its answers in numbers.

    .. no_pii: counts and codes
    """

    class State(models.TextChoices):
        """RUNNING -> DONE (its results are shown) or FAILED."""

        RUNNING = "RUNNING"
        DONE = "DONE"
        FAILED = "FAILED"

    TRANSITIONS = {State.RUNNING: {State.DONE, State.FAILED}, State.DONE: set(), State.FAILED: set()}

    state = models.TextField(choices=State.choices, default=State.RUNNING)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    actor_id = models.BigIntegerField()
    parameters = models.JSONField(default=dict)
    inputs = models.JSONField(default=dict, help_text="batches, with hashes and periods, by source")
    summary = models.JSONField(default=dict)


class Finding(models.Model):
    """One row is one thing found about one benefit row in one run.

    .. pii: points at a person by id; detail holds codes and numbers, never names
    """

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="+", db_index=False)
    benefit_id = models.BigIntegerField()
    source_code = models.TextField()
    agency = models.TextField()
    programme = models.TextField()
    area_path = models.TextField(default="")
    file_name = models.TextField()
    sheet = models.TextField(default="")
    line = models.IntegerField()
    code = models.TextField()
    role = models.TextField()
    severity = models.TextField()
    person_id = models.BigIntegerField(null=True)
    household_number = models.TextField(default="")
    line_no = models.IntegerField(null=True)
    detail = models.TextField(default="")
    group_no = models.BigIntegerField(null=True)

    class Meta:
        """For the page of findings."""

        indexes = [
            models.Index(fields=["run", "code"], name="finding_run_code"),
            models.Index(fields=["benefit_id"], name="finding_benefit"),
            models.Index(fields=["run", "source_code"], name="finding_run_source"),
        ]


class Recipient(models.Model):
    """One row is one recipient (payee) in one run, with everything she draws.

    .. pii: person id, token of the number
    """

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="+", db_index=False)
    id_token = models.BinaryField(null=True)
    person_id = models.BigIntegerField(null=True)
    household_number = models.TextField(default="")
    line_no = models.IntegerField(null=True)
    area_path = models.TextField(default="")
    agencies = models.JSONField(default=list)
    programmes = models.JSONField(default=list)
    cash_programmes = models.SmallIntegerField(default=0)
    is_over_cap = models.BooleanField(default=False)
    rows = models.IntegerField(default=0)
    amount = models.DecimalField(max_digits=16, decimal_places=2, default=0)
    score = models.DecimalField(max_digits=5, decimal_places=2, null=True)
    is_well_off = models.BooleanField(default=False)

    class Meta:
        """For lists and maps."""

        indexes = [
            models.Index(fields=["run", "is_over_cap"], name="recipient_run_cap"),
            models.Index(fields=["household_number"], name="recipient_household"),
            models.Index(fields=["person_id"], name="recipient_person"),
            models.Index(fields=["id_token"], condition=models.Q(person_id=None), name="recipient_unknown_token"),
        ]


class UnservedHousehold(models.Model):
    """One row is one poor household that no connected programme serves, in one run.

    .. pii: points at a household
    """

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="+", db_index=False)
    household_number = models.TextField()
    area_path = models.TextField()
    score = models.DecimalField(max_digits=5, decimal_places=2)
    rank = models.BigIntegerField()
    members = models.IntegerField(default=0)
    eligible_for = models.JSONField(default=list)

    class Meta:
        """Ranked."""

        indexes = [
            models.Index(fields=["run", "rank"], name="unserved_run_rank"),
            models.Index(fields=["household_number"], name="unserved_household"),
        ]


class AreaFigure(models.Model):
    """One row is one figure of one run for one area: what the maps and charts show.

    .. no_pii: counts by area
    """

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="+", db_index=False)
    area_code = models.TextField()
    level = models.SmallIntegerField()
    figure = models.TextField()
    programme = models.TextField(default="", blank=True)
    value = models.BigIntegerField()

    class Meta:
        """By figure."""

        indexes = [models.Index(fields=["run", "figure", "level"], name="area_figure_run")]
