"""Enrolments and rules between programmes: what has a state, which moves there are, and the record of each move.

One table of transitions is held in the database (`beneficiaries_transition`) and a trigger holds every enrolment
and every stop to it (`sql/states.sql`), whoever writes. The same trigger keeps a human suspension from machines, a
re-entry from coming too early, and a stop from taking effect before its appeal window is over.
"""

from __future__ import annotations

from django.db import models


class Transition(models.Model):
    """One row is one move that there is; an empty `state_from` is the beginning.

    .. no_pii:
    """

    subject = models.TextField(help_text="enrolment or stop")
    state_from = models.TextField(default="", blank=True)
    state_to = models.TextField()

    class Meta:
        """Each move once."""

        constraints = [models.UniqueConstraint(fields=["subject", "state_from", "state_to"], name="transition_once")]


class Changed(models.Model):
    """What everything with a state says of its last move."""

    state = models.TextField()
    state_at = models.DateTimeField()
    changed_by = models.TextField(help_text="HUMAN, MIS (the scheme's system said so) or RUN (a rule was applied)")
    actor_id = models.BigIntegerField(help_text="in whose name; also of machines")
    reason = models.TextField(default="", blank=True, help_text="code of an exit or suspension")
    note = models.TextField(default="", blank=True, help_text="no personal value")

    class Meta:
        """No table of its own."""

        abstract = True


class Enrolment(Changed):
    """One row is one number on one programme, from its identification to its exit and perhaps back.

    .. pii: token of the number, person id
    """

    programme = models.TextField()
    agency = models.TextField()
    area_path = models.TextField(default="", blank=True)
    id_token = models.BinaryField()
    person_id = models.BigIntegerField(null=True)
    household_number = models.TextField(default="", blank=True)
    source_code = models.TextField(default="", blank=True)
    batch_id = models.BigIntegerField(null=True, help_text="the delivery that the last move rests on")
    enrolled_date = models.DateField(null=True)
    reentry_from = models.DateField(null=True, help_text="nobody comes back before")
    is_chosen = models.BooleanField(default=False, help_text="she said: this one I keep")
    created_at = models.DateTimeField()

    class Meta:
        """One a number and programme."""

        constraints = [models.UniqueConstraint(fields=["programme", "id_token"], name="enrolment_once")]
        indexes = [
            models.Index(fields=["id_token"], name="enrolment_token"),
            models.Index(fields=["person_id"], name="enrolment_person"),
            models.Index(fields=["programme", "state"], name="enrolment_state"),
        ]


class StateChange(models.Model):
    """One row is one move of one enrolment or stop; written by a trigger, never changed.

    .. pii: points at an enrolment or a stop
    """

    subject = models.TextField()
    subject_id = models.BigIntegerField()
    programme = models.TextField()
    agency = models.TextField()
    area_path = models.TextField(default="", blank=True)
    state_from = models.TextField()
    state_to = models.TextField()
    state_at = models.DateTimeField()
    changed_by = models.TextField()
    actor_id = models.BigIntegerField()
    reason = models.TextField(default="", blank=True)
    note = models.TextField(default="", blank=True)

    class Meta:
        """By what moved."""

        indexes = [models.Index(fields=["subject", "subject_id"], name="state_change_subject")]


class Graduation(models.Model):
    """One row is one assessment of one enrolled person against the criteria of leaving for good, and its follow-up.

    .. pii: points at an enrolment
    """

    enrolment_id = models.BigIntegerField()
    programme = models.TextField()
    agency = models.TextField()
    area_path = models.TextField(default="", blank=True)
    criteria = models.TextField()
    assessment = models.JSONField(default=dict, help_text="what was found, by name; no name of a person")
    is_met = models.BooleanField()
    assessed_date = models.DateField()
    reentry_from = models.DateField(null=True)
    follow_up_date = models.DateField(null=True)
    follow_up_result = models.TextField(default="", blank=True, help_text="HOLDS, FALLEN_BACK or NOT_FOUND")
    followed_up_at = models.DateTimeField(null=True)
    actor_id = models.BigIntegerField()
    recorded_at = models.DateTimeField()

    class Meta:
        """By enrolment."""

        indexes = [models.Index(fields=["enrolment_id"], name="graduation_enrolment")]


class Trial(models.Model):
    """One row is one dry run of rules between programmes over one run of the registry, and what became of it.

    .. no_pii: counts and rules
    """

    class State(models.TextChoices):
        """TRIED -> NOTICED by a second person -> APPLIED after the appeal window; or WITHDRAWN."""

        TRIED = "TRIED"
        NOTICED = "NOTICED"
        APPLIED = "APPLIED"
        WITHDRAWN = "WITHDRAWN"

    TRANSITIONS = {
        State.TRIED: {State.NOTICED, State.WITHDRAWN},
        State.NOTICED: {State.APPLIED, State.WITHDRAWN},
        State.APPLIED: set(),
        State.WITHDRAWN: set(),
    }

    run_id = models.BigIntegerField()
    on_day = models.DateField()
    rules = models.JSONField(default=list)
    parameters = models.JSONField(default=dict)
    summary = models.JSONField(default=dict)
    stops_sha256 = models.CharField(max_length=64, default="", blank=True)
    effect_sha256 = models.CharField(max_length=64, default="", blank=True)
    state = models.TextField(choices=State.choices, default=State.TRIED)
    tried_at = models.DateTimeField()
    proposed_by = models.BigIntegerField()
    noticed_at = models.DateTimeField(null=True)
    approved_by = models.BigIntegerField(null=True)
    appeal_until = models.DateField(null=True)
    applied_at = models.DateTimeField(null=True)

    class Meta:
        """Two people."""

        constraints = [
            models.CheckConstraint(
                condition=models.Q(approved_by__isnull=True) | ~models.Q(approved_by=models.F("proposed_by")),
                name="trial_two_people",
            )
        ]


class Stop(Changed):
    """One row is one benefit that a trial would stop, and its way through notice, appeal, decision and effect.

    .. pii: token of the number, person id
    """

    trial_id = models.BigIntegerField()
    recipient_id = models.BigIntegerField(help_text="in the run of the trial")
    id_token = models.BinaryField(null=True)
    person_id = models.BigIntegerField(null=True)
    household_number = models.TextField(default="", blank=True)
    programme = models.TextField()
    agency = models.TextField()
    area_path = models.TextField(default="", blank=True)
    rule = models.TextField()
    amount = models.DecimalField(max_digits=14, decimal_places=2, null=True, help_text="a month")
    poverty = models.TextField(default="", blank=True)
    appeal_until = models.DateField(null=True)

    class Meta:
        """One a recipient and programme of a trial."""

        constraints = [
            models.UniqueConstraint(fields=["trial_id", "recipient_id", "programme"], name="benefit_stop_once"),
        ]
        indexes = [
            models.Index(fields=["person_id"], name="benefit_stop_person"),
            models.Index(fields=["id_token"], name="benefit_stop_token"),
            models.Index(fields=["trial_id", "state"], name="benefit_stop_state"),
        ]


class Reopened(models.Model):
    """One row is one decision that rested on rows which a source has corrected since.

    .. pii: points at an enrolment or a stop
    """

    class State(models.TextChoices):
        """OPEN until a person looked: CONFIRMED (it stands) or REVERSED."""

        OPEN = "OPEN"
        CONFIRMED = "CONFIRMED"
        REVERSED = "REVERSED"

    TRANSITIONS = {State.OPEN: {State.CONFIRMED, State.REVERSED}, State.CONFIRMED: set(), State.REVERSED: set()}

    subject = models.TextField()
    subject_id = models.BigIntegerField()
    programme = models.TextField()
    agency = models.TextField()
    area_path = models.TextField(default="", blank=True)
    source_code = models.TextField()
    replaced_batch_id = models.BigIntegerField()
    batch_id = models.BigIntegerField()
    what = models.TextField(help_text="GONE, NEW or CHANGED: what the correction did to her rows")
    state = models.TextField(choices=State.choices, default=State.OPEN)
    opened_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    settled_by = models.BigIntegerField(null=True)

    class Meta:
        """Once for a correction."""

        constraints = [models.UniqueConstraint(fields=["subject", "subject_id", "batch_id"], name="reopened_once")]
        indexes = [models.Index(fields=["state"], name="reopened_state")]


class Answer(models.Model):
    """One row is one answer to "may this number join that programme?", and what the asker reported afterwards.

    .. pii: token of the number
    """

    programme = models.TextField()
    agency = models.TextField()
    area_path = models.TextField(default="", blank=True)
    id_token = models.BinaryField()
    answer = models.TextField(help_text="YES, NO or UNKNOWN")
    reasons = models.JSONField(default=list)
    run_id = models.BigIntegerField(null=True)
    agreement = models.TextField(default="", blank=True)
    actor_id = models.BigIntegerField()
    asked_at = models.DateTimeField()

    class Meta:
        """By number."""

        indexes = [models.Index(fields=["id_token"], name="answer_token")]
