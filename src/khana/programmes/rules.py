"""The rules that the catalogue keeps: one of each programme, one of each exclusion filter, as the rule language reads them.

A programme without a rule of its own is decided by its plain fields (sex, ages, score), which say the same in the
same language. A filter that was withdrawn ends on that day. An entry holds everything, so that an evaluation and a list
can keep the very rules they were made by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from khana.platform import installation
from khana.programmes.models import ExclusionFilter, Programme
from khana_methods.overlap.parameters import Parameters
from khana_methods.rules.rulebook import RuleBook, read_rules

BEGINNING = "1900-01-01"
# the filter that the payrolls of the state give hits of; `sql/standing.sql` says the same
PAYROLL = "PUBLIC_EMPLOYEE"


def read_book(entries: Sequence[Mapping[str, Any]]) -> RuleBook:
    """Read rules as the catalogue keeps them.

    Raises:
        RuleFileInvalid: A rule cannot be read; all mistakes are told.
    """
    return read_rules(entries)


def programme_entries() -> list[dict[str, Any]]:
    """Return the rule of every programme, with what else decides: areas, what it requires, what excludes it.

    Each is `{programme, unit, areas, requires, incompatible_with, poverty_targeted, rule}`.
    """
    return [
        {
            "programme": row.code, "agency": row.agency, "unit": row.unit or "person", "areas": list(row.areas),
            "requires": row.requires, "incompatible_with": list(row.incompatible_with),
            "poverty_targeted": row.poverty_targeted, "rule": dict(row.eligibility) or rule_of_fields(row),
            "valid_from": row.valid_from.isoformat() if row.valid_from else None,
            "valid_to": row.valid_to.isoformat() if row.valid_to else None,
        }
        for row in Programme.objects.order_by("code")
    ]  # fmt: skip


def filter_entries() -> list[dict[str, Any]]:
    """Return every exclusion filter in the order of application: `{filter, name, programmes, rule, source, withdrawn_from}`."""
    return [
        {
            "filter": row.code, "name": row.name, "programmes": list(row.programmes), "rule": dict(row.rule),
            "source": row.source, "withdrawn_from": row.withdrawn_from.isoformat() if row.withdrawn_from else None,
        }
        for row in ExclusionFilter.objects.order_by("place", "code")
    ]  # fmt: skip


def rule_of_fields(row: Programme, poor_cutoff: float | None = None) -> dict[str, Any]:
    """Write the plain fields of a programme as a rule about persons.

    Args:
        row: The programme.
        poor_cutoff: Score up to which a household is poor, for a programme for the poor that states no line of its own; the
            installation's where it is not given.

    Source:
        The catalogue's own fields; the rule says no more and no less.
    """
    parts = []
    if row.sex:
        parts.append(f"sex = '{row.sex}'")
    if row.min_age_female is not None and row.min_age is not None and not row.sex:
        parts.append(f"(sex = 'F' and age >= {row.min_age_female} or sex <> 'F' and age >= {row.min_age})")
    elif row.min_age is not None:
        parts.append(f"age >= {row.min_age}")
    if row.max_age is not None:
        parts.append(f"age <= {row.max_age}")
    if row.max_score is not None:
        parts.append(f"score <= {row.max_score:f}")
    elif row.poverty_targeted:
        parts.append(f"score <= {poor_line() if poor_cutoff is None else poor_cutoff:g}")
    return {
        "code": row.code, "name": row.name, "entity": "person", "kind": "eligibility", "gives": "boolean",
        "versions": [{
            "valid_from": row.valid_from.isoformat() if row.valid_from else BEGINNING,
            "expression": " and ".join(parts) or "age >= 0", "mark": "U",
            "source": row.source or f"Catalogue of {row.agency}",
        }],
    }  # fmt: skip


def poor_line() -> float:
    """Return the score up to which a household counts as poor in this installation."""
    stated = installation.read().get("parameters", {})
    return float(stated.get("cut_off", Parameters(as_of=date(2000, 1, 1)).poor_cutoff))


def entry_of_fields(
    eligibility: Mapping[str, Any], fields: Mapping[str, Any], poor_cutoff: float | None = None
) -> dict[str, Any]:
    """Return `{rule, valid_from, valid_to}` of one programme from what its row holds, for who reads it by another way.

    Args:
        eligibility: Its own rule; where it is empty the plain fields are written as one.
        fields: `code`, `name`, `agency`, `sex`, `min_age`, `max_age`, `min_age_female`, `max_score`, `valid_from`, `valid_to`, `source`.
        poor_cutoff: Score up to which a household is poor, for a programme for the poor that states no line of its own.
    """
    since, until, line = fields["valid_from"], fields["valid_to"], fields["max_score"]
    plain = {
        name: fields[name]
        for name in ("code", "name", "agency", "sex", "min_age", "max_age", "min_age_female", "source")
    }
    row = Programme(
        **plain, poverty_targeted=poor_cutoff is not None, max_score=None if line is None else Decimal(line),
        valid_from=None if since is None else date.fromisoformat(str(since))
    )  # fmt: skip
    return {
        "rule": dict(eligibility) or rule_of_fields(row, poor_cutoff),
        "valid_from": str(since) if since else None,
        "valid_to": str(until) if until else None,
    }


def is_in_force(entry: Mapping[str, Any], day: date) -> bool:
    """Tell whether a programme, or its rule, is in force on a day."""
    since, until = entry.get("valid_from"), entry.get("valid_to")
    if (since and date.fromisoformat(since) > day) or (until and date.fromisoformat(until) <= day):
        return False
    return any(
        str(version["valid_from"]) <= day.isoformat() and (not version.get("valid_to") or day.isoformat() < str(version["valid_to"]))
        for version in entry["rule"].get("versions", ())
    )  # fmt: skip
