"""Selection lists and what happens to them: proposals, changes, visits, approvals; and disasters that they answer.

A list says who was drawn, who is in reserve and who waits. It changes by recorded changes alone; two people who did
not draw it approve it; once frozen it never changes. The database sees to all three.
"""

from __future__ import annotations

from django.db import models


class DisasterEvent(models.Model):
    """One row is one disaster as it was notified: areas or outline, days, programme; nothing of it is changed later.

    .. no_pii:
    """

    code = models.TextField(unique=True)
    title = models.TextField()
    programme = models.TextField()
    agency = models.TextField()
    notification = models.TextField(help_text="number and day of the notification")
    areas = models.JSONField(default=list, help_text="P-codes that were notified, or that the outline touches")
    outline = models.JSONField(default=dict, help_text="GeoJSON, where an outline was notified")
    starts_on = models.DateField()
    ends_on = models.DateField(null=True)
    created_by = models.BigIntegerField()
    created_label = models.TextField(default="")
    created_at = models.DateTimeField()


class SelectionList(models.Model):
    """One row is one selection list of one programme: what it was drawn by, and its hashes.

    .. no_pii:
    """

    class State(models.TextChoices):
        """OPEN -> FROZEN -> PUBLISHED; OPEN -> WITHDRAWN. A frozen list never changes."""

        OPEN = "OPEN"
        FROZEN = "FROZEN"
        PUBLISHED = "PUBLISHED"
        WITHDRAWN = "WITHDRAWN"

    TRANSITIONS = {
        State.OPEN: {State.FROZEN, State.WITHDRAWN},
        State.FROZEN: {State.PUBLISHED},
        State.PUBLISHED: set(),
        State.WITHDRAWN: set(),
    }

    code = models.TextField(unique=True)
    title = models.TextField(default="")
    programme = models.TextField()
    agency = models.TextField()
    event = models.ForeignKey(DisasterEvent, null=True, on_delete=models.PROTECT, related_name="+")
    state = models.TextField(choices=State.choices, default=State.OPEN)
    as_of = models.DateField()
    known_at = models.DateTimeField()
    terms = models.JSONField(
        default=dict, help_text="rules, filters, appeals, quotas, tie rule, seed: all it was drawn by"
    )
    snapshot = models.TextField(help_text="hash over the facts of everybody who was considered")
    drawn_hash = models.TextField(help_text="SHA-256 of the list as it was drawn")
    head_hash = models.TextField(help_text="the hash as drawn, chained with every recorded change: what is approved")
    frozen_hash = models.TextField(default="", help_text="SHA-256 of the list as it was frozen, byte for byte")
    summary = models.JSONField(default=dict)
    created_by = models.BigIntegerField()
    created_label = models.TextField(default="")
    created_at = models.DateTimeField()
    frozen_by = models.BigIntegerField(null=True)
    frozen_at = models.DateTimeField(null=True)


class ListEntry(models.Model):
    """One row is one unit (person, family, household) of one list: its place, and its state as drawn and as it stands.

    .. pii: points at a household and a person
    """

    class State(models.TextChoices):
        """What the list says of her."""

        SELECTED = "SELECTED"
        RESERVE = "RESERVE"
        WAITING = "WAITING"
        REMOVED = "REMOVED"

    list = models.ForeignKey(SelectionList, on_delete=models.PROTECT, related_name="+", db_index=False)
    event_id = models.BigIntegerField(null=True)
    agency = models.TextField()
    area_path = models.TextField()
    unit = models.TextField(help_text="number of the household, and line or family within it")
    household_id = models.BigIntegerField()
    household_number = models.TextField()
    family_no = models.IntegerField(null=True)
    person_id = models.BigIntegerField(null=True, help_text="who would be paid")
    quota_area = models.TextField(default="")
    place = models.BigIntegerField(help_text="1.. within its quota's area")
    score = models.DecimalField(max_digits=5, decimal_places=2, null=True)
    tie = models.TextField(help_text="what settled a tie")
    drawn_state = models.TextField(choices=State.choices)
    state = models.TextField(choices=State.choices)

    class Meta:
        """A unit stands once in a list; one benefit a family and an event, one a person and an event."""

        constraints = [
            models.UniqueConstraint(fields=["list", "unit"], name="list_unit_once"),
            models.UniqueConstraint(
                fields=["event_id", "household_id", "family_no"],
                condition=models.Q(state="SELECTED", event_id__isnull=False),
                name="event_family_once",
            ),
            models.UniqueConstraint(
                fields=["event_id", "person_id"],
                condition=models.Q(state="SELECTED", event_id__isnull=False, person_id__isnull=False),
                name="event_person_once",
            ),
        ]
        indexes = [
            models.Index(fields=["list", "quota_area", "place"], name="list_entry_place"),
            models.Index(fields=["household_id"], name="list_entry_household"),
        ]


class ListChange(models.Model):
    """One row is one recorded change of an open list: who moved which unit from which state to which, and why.

    .. pii: points at a household; the reason may describe it
    """

    list = models.ForeignKey(SelectionList, on_delete=models.PROTECT, related_name="+", db_index=False)
    agency = models.TextField()
    area_path = models.TextField()
    unit = models.TextField()
    kind = models.TextField(help_text="COMMUNITY, RECHECK, OFFICE or PROMOTED")
    from_state = models.TextField()
    to_state = models.TextField()
    reason = models.TextField()
    minutes = models.TextField(default="", help_text="number and day of the minutes of the meeting")
    recorded_by = models.BigIntegerField()
    recorded_label = models.TextField(default="")
    recorded_at = models.DateTimeField()

    class Meta:
        """By list, in order."""

        indexes = [models.Index(fields=["list", "id"], name="list_change_order")]


class ListApproval(models.Model):
    """One row is one officer's approval of one list as it stood: of that hash and no other.

    .. no_pii: names of officers who signed, as the event log has them
    """

    list = models.ForeignKey(SelectionList, on_delete=models.PROTECT, related_name="+")
    agency = models.TextField()
    head_hash = models.TextField()
    actor_id = models.BigIntegerField()
    actor_label = models.TextField(default="")
    approved_at = models.DateTimeField()

    class Meta:
        """Nobody approves the same list twice."""

        constraints = [
            models.UniqueConstraint(fields=["list", "head_hash", "actor_id"], name="list_approved_once_by_each")
        ]


class Proposal(models.Model):
    """One row is one household that a local government proposes for a programme, by minutes; the ministry answers.

    .. pii: points at a household
    """

    class State(models.TextChoices):
        """PROPOSED -> ACCEPTED (it may be drawn) or REFUSED."""

        PROPOSED = "PROPOSED"
        ACCEPTED = "ACCEPTED"
        REFUSED = "REFUSED"

    TRANSITIONS = {State.PROPOSED: {State.ACCEPTED, State.REFUSED}, State.ACCEPTED: set(), State.REFUSED: set()}

    programme = models.TextField()
    agency = models.TextField()
    area_path = models.TextField()
    household_id = models.BigIntegerField()
    household_number = models.TextField()
    minutes = models.TextField(help_text="number and day of the minutes of the meeting")
    state = models.TextField(choices=State.choices, default=State.PROPOSED)
    proposed_by = models.BigIntegerField()
    proposed_label = models.TextField(default="")
    proposed_at = models.DateTimeField()
    decided_by = models.BigIntegerField(null=True)
    decided_label = models.TextField(default="")
    decided_at = models.DateTimeField(null=True)
    reason = models.TextField(default="")

    class Meta:
        """Once at a time; who proposes does not decide."""

        constraints = [
            models.UniqueConstraint(
                fields=["programme", "household_id"],
                condition=models.Q(state__in=("PROPOSED", "ACCEPTED")),
                name="proposal_once",
            ),
            models.CheckConstraint(
                condition=models.Q(decided_by__isnull=True) | ~models.Q(decided_by=models.F("proposed_by")),
                name="proposal_by_two",
            ),
        ]


class Recheck(models.Model):
    """One row is one visit to a listed household: what was found, kept as evidence and as the programme's baseline.

    .. pii: living conditions of a household
    """

    list = models.ForeignKey(SelectionList, on_delete=models.PROTECT, related_name="+", db_index=False)
    agency = models.TextField()
    area_path = models.TextField()
    unit = models.TextField()
    household_id = models.BigIntegerField()
    household_number = models.TextField()
    visited_on = models.DateField()
    outcome = models.TextField(help_text="CONFIRMED, DIFFERENT, NOT_FOUND or MOVED")
    facts = models.JSONField(default=dict, help_text="facts of the catalogue as they were seen")
    differs = models.JSONField(default=list, help_text="names of facts that the registry states otherwise")
    needs_assessment = models.BooleanField(default=False)
    recorded_by = models.BigIntegerField()
    recorded_label = models.TextField(default="")
    recorded_at = models.DateTimeField()

    class Meta:
        """By list and household."""

        indexes = [
            models.Index(fields=["list", "unit"], name="recheck_list"),
            models.Index(fields=["household_id"], name="recheck_household"),
        ]
