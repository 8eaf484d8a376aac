"""Households, persons, memberships and identifiers under two clocks; the population register.

Every version has *valid* dates (when it was true, half-open) and *recorded* times (when we
knew, half-open). `area_path` is on every row: row security holds a reader's scope against it.
A verified number is unique by its token; a claimed one that somebody holds is DISPUTED.
"""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Collate


class TwoClocks(models.Model):
    """The two clocks and the scope of every version."""

    area_path = models.TextField()
    valid_from = models.DateField()
    valid_to = models.DateField(null=True)
    recorded_at = models.DateTimeField()
    superseded_at = models.DateTimeField(null=True)
    batch_id = models.BigIntegerField(null=True)

    class Meta:
        """No table of its own."""

        abstract = True


class Household(models.Model):
    """One row is one registered household, by the number on its slip.

    .. pii: the number points at a household; kept while the registry holds the household
    """

    number = models.TextField(unique=True)
    area_path = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        """By place and number, for lists of one area."""

        indexes = [models.Index(Collate("area_path", "C"), Collate("number", "C"), name="household_place")]


class HouseholdVersion(TwoClocks):
    """One row is what we knew, from one time on, of a household in one span of dates.

    .. pii: address, position and living conditions; kept for the life of the registry
    """

    household = models.ForeignKey(Household, on_delete=models.PROTECT, related_name="+", db_index=False)
    address = models.TextField(default="")
    latitude = models.FloatField(null=True)
    longitude = models.FloatField(null=True)
    mobile_token = models.BinaryField(null=True)
    mobile_ciphertext = models.BinaryField(null=True)
    consent = models.BooleanField(null=True)
    facts = models.JSONField(default=dict)

    class Meta:
        """Current version of a household."""

        indexes = [models.Index(fields=["household"], name="household_version_of")]


class Person(models.Model):
    """One row is one person's file. A merge dates an alias; it never repoints anything.

    .. pii: the file itself
    """

    area_path = models.TextField()
    created_at = models.DateTimeField()


class PersonVersion(TwoClocks):
    """One row is what we knew, from one time on, of a person in one span of dates.

    Birth is a partial date: a year alone, a year and month, or all three.

    .. pii: names, birth, sex, marital status, health and schooling facts
    """

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False)
    name = models.TextField(default="")
    name_native = models.TextField(default="")
    guardian_name = models.TextField(default="", help_text="father's or husband's name")
    sex = models.CharField(max_length=1, default="", help_text="M, F, O (other), empty unknown")
    birth_year = models.SmallIntegerField(null=True)
    birth_month = models.SmallIntegerField(null=True)
    birth_day = models.SmallIntegerField(null=True)
    marital = models.CharField(max_length=1, default="", help_text="SPDCI: S M W D L A U")
    mobile_token = models.BinaryField(null=True)
    mobile_ciphertext = models.BinaryField(null=True)
    facts = models.JSONField(default=dict)

    class Meta:
        """Versions of a person; search by name is a definer function."""

        indexes = [models.Index(fields=["person"], name="person_version_of")]


class Membership(TwoClocks):
    """One row places one person on one line of one household in a span of dates.

    .. pii: who lives with whom
    """

    household = models.ForeignKey(Household, on_delete=models.PROTECT, related_name="+", db_index=False)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False)
    line_no = models.IntegerField()
    relation = models.TextField(default="")
    is_member = models.BooleanField(default=True)
    is_present = models.BooleanField(null=True)
    spouse_line = models.IntegerField(null=True)
    father_line = models.IntegerField(null=True)
    mother_line = models.IntegerField(null=True)
    family_no = models.SmallIntegerField(null=True, help_text="1.. within the household")

    class Meta:
        """Both ways."""

        indexes = [
            models.Index(fields=["household"], name="membership_household"),
            models.Index(fields=["person"], name="membership_person"),
        ]


class Identifier(models.Model):
    """One row is one number that one person showed or claims.

    .. pii: the number, encrypted; its token
    """

    class Status(models.TextChoices):
        """CLAIMED -> VERIFIED (the authority has it, and the person agrees) or DISPUTED."""

        CLAIMED = "CLAIMED"
        VERIFIED = "VERIFIED"
        DISPUTED = "DISPUTED"

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False)
    area_path = models.TextField()
    type = models.TextField()
    token = models.BinaryField(max_length=32)
    ciphertext = models.BinaryField()
    status = models.TextField(choices=Status.choices, default=Status.CLAIMED)
    recorded_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)
    batch_id = models.BigIntegerField(null=True)

    class Meta:
        """One verified holder of a number."""

        constraints = [
            models.UniqueConstraint(
                fields=["type", "token"],
                condition=models.Q(status="VERIFIED", retired_at__isnull=True),
                name="verified_once",
            ),
        ]
        indexes = [
            models.Index(fields=["token"], name="identifier_token"),
            models.Index(fields=["person"], name="identifier_person"),
        ]


class Alias(models.Model):
    """One row says that a person's id stands for another file from one time to another.

    Nothing is repointed: what hangs on `person` stays there and is found from `current`. A merge is
    proposed by one person; where money hangs on it (`needs_second`) it is in force only when another
    confirmed it, which the database holds. A split closes the row; it is never removed.

    .. pii: links two files
    """

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    current = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    area_path = models.TextField()
    current_area_path = models.TextField(default="")
    needs_second = models.BooleanField(default=False)
    reason = models.TextField(default="")
    proposed_by = models.BigIntegerField(null=True)
    proposed_at = models.DateTimeField(null=True)
    confirmed_by = models.BigIntegerField(null=True)
    valid_from = models.DateTimeField(null=True, help_text="null: proposed, not in force")
    valid_to = models.DateTimeField(null=True)
    end_proposed_by = models.BigIntegerField(null=True)
    ended_by = models.BigIntegerField(null=True)
    end_reason = models.TextField(default="")

    class Meta:
        """A file stands for one other at a time."""

        constraints = [
            models.UniqueConstraint(
                fields=["person"], condition=models.Q(valid_to__isnull=True), name="alias_once",
            ),
            models.CheckConstraint(condition=~models.Q(person=models.F("current")), name="alias_of_another"),
        ]  # fmt: skip


class Resident(TwoClocks):
    """One row is one version of one resident of the population register.

    Stands beside the household register: also people of no household. `person` is the file of
    the household register, where one is known.

    .. pii: names, birth, civil status, citizenship, address, employment, number
    """

    resident_number = models.TextField()
    person = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    id_type = models.TextField(default="")
    token = models.BinaryField(null=True)
    ciphertext = models.BinaryField(null=True)
    name = models.TextField(default="")
    name_native = models.TextField(default="")
    guardian_name = models.TextField(default="")
    sex = models.CharField(max_length=1, default="")
    birth_year = models.SmallIntegerField(null=True)
    birth_month = models.SmallIntegerField(null=True)
    birth_day = models.SmallIntegerField(null=True)
    civil_status = models.CharField(max_length=1, default="")
    citizenship = models.TextField(default="")
    address = models.TextField(default="")
    employment = models.TextField(default="")

    class Meta:
        """By number of the register and by personal number."""

        indexes = [
            models.Index(fields=["resident_number"], name="resident_number"),
            models.Index(fields=["token"], name="resident_token"),
        ]


class Dwelling(models.Model):
    """One row is one place where people sleep: a house, a tent, an institution, or none of its own for who moves about.

    Households that share it point at it, so that a split under one roof is seen as one.

    .. pii: where people live
    """

    class Kind(models.TextChoices):
        """What it is; an INSTITUTION (hostel, prison, shelter, madrasa) has inmates and no head."""

        HOUSE = "HOUSE"
        TENT = "TENT"
        NOMADIC = "NOMADIC"
        INSTITUTION = "INSTITUTION"

    code = models.TextField(unique=True)
    kind = models.TextField(choices=Kind.choices, default=Kind.HOUSE)
    name = models.TextField(default="", help_text="of an institution")
    area_path = models.TextField()
    latitude = models.FloatField(null=True)
    longitude = models.FloatField(null=True)
    actor_id = models.BigIntegerField()
    recorded_at = models.DateTimeField()


class Occupancy(TwoClocks):
    """One row says that one household lives in one dwelling in a span of dates.

    .. pii: where people live
    """

    household = models.ForeignKey(Household, on_delete=models.PROTECT, related_name="+", db_index=False)
    dwelling = models.ForeignKey(Dwelling, on_delete=models.PROTECT, related_name="+")

    class Meta:
        """Both ways."""

        indexes = [models.Index(fields=["household"], name="occupancy_household")]


class Restructuring(models.Model):
    """One row is one change of who lives with whom: a split, a join, a move (marriage), a return; with what it would do.

    Where it would bring somebody under a programme's line, or looks like a split made for benefit, a second person confirms it
    before it is in force; the database refuses who proposed it.

    .. pii: who lives with whom
    """

    class Kind(models.TextChoices):
        """What happens."""

        SPLIT = "SPLIT"
        JOIN = "JOIN"
        MOVE = "MOVE"
        RETURN = "RETURN"

    kind = models.TextField(choices=Kind.choices)
    area_path = models.TextField()
    source = models.ForeignKey(Household, on_delete=models.PROTECT, related_name="+")
    target = models.ForeignKey(Household, null=True, on_delete=models.PROTECT, related_name="+")
    persons = models.JSONField(default=list, help_text="person, relation in the target, spouse's person where stated")
    on = models.DateField()
    reason = models.TextField()
    effect = models.JSONField(default=dict, help_text="scores before and after, programmes gained, flags")
    needs_second = models.BooleanField(default=False)
    proposed_by = models.BigIntegerField()
    proposed_label = models.TextField(default="")
    proposed_at = models.DateTimeField()
    confirmed_by = models.BigIntegerField(null=True)
    confirmed_label = models.TextField(default="")
    in_force_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        """By household; nobody is her own second person; none is in force without the second person it needs."""

        indexes = [
            models.Index(fields=["source"], name="restructuring_source"),
            models.Index(fields=["target"], name="restructuring_target"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(confirmed_by__isnull=True) | ~models.Q(confirmed_by=models.F("proposed_by")),
                name="restructuring_by_two",
            ),
            models.CheckConstraint(
                condition=models.Q(in_force_at__isnull=True)
                | models.Q(needs_second=False)
                | models.Q(confirmed_by__isnull=False),
                name="restructuring_confirmed",
            ),
        ]
