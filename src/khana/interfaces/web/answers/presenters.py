"""From the dossier of the five answers to what a page shows: words, shares, shades of a map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.translation import get_language, npgettext
from django.utils.translation import gettext as _

from khana.dossiers.answers import Connected, FiveAnswers, Panel
from khana.interfaces.web.tags import day, joined, number, span

SHADES = ("#e3f0ee", "#b9ded9", "#7fc1b9", "#3f948c", "#0f5e5a")


@dataclass(frozen=True)
class Question:
    """The words of one answer."""

    key: str
    label: str
    unit: str
    title: str
    meaning: str


def language() -> str:
    """Return the reader's language as two letters."""
    return (get_language() or "en")[:2]


def questions(found: FiveAnswers) -> dict[str, Question]:
    """Return the five questions in plain words."""
    cap = found.parameters.get("cap", 3)
    cutoff = found.parameters.get("poor_cutoff", 0)
    return {
        "recipients": Question(
            "recipients", _("All recipients"), _("persons on the one list"),
            _("Who receives, and from which programme?"),
            _("One list out of all lists: each person counts once, however many rows she is on. The recipient is whoever draws the money."),
        ),
        "overlaps": Question(
            "overlaps", _("On two lists or more"), _("persons with several programmes"),
            _("Who is on two lists?"),
            _("Persons who draw from two programmes or more. That can be allowed; a red frame marks two programmes that exclude each other."),
        ),
        "cap": Question(
            "cap", _("Over the cap"), _("persons"),
            _("Who draws from more programmes than the cap allows?"),
            _("More than %(cap)s cash programmes for one person. Workfare and benefits in kind do not count.") % {"cap": number(cap)},
        ),
        "unserved": Question(
            "unserved", _("Poor and served by nothing"), _("households"),
            _("Which poor households get nothing?"),
            _("Households with a poverty score of %(cutoff)s or less of which no member stands on any connected list.") % {"cutoff": number(cutoff)},
        ),
        "leakage": Question(
            "leakage", _("Well off and receiving"), _("persons"),
            _("Who is well off and receives?"),
            _("Persons in households above the well-off line who draw from a programme that is meant for the poor."),
        ),
    }  # fmt: skip


def programme_name(found: FiveAnswers, code: str) -> str:
    """Return the name of a programme in the reader's language, else its code."""
    named = found.catalogue.get(code)
    return named.called(language()) if named else code


def connected_sentence(connected: Sequence[Connected]) -> str:
    """Say how many programmes are connected and to which period."""
    if not connected:
        return _("No programme is connected yet: nothing can be said about who is served.")
    count = len(connected)
    last = max((row.until for row in connected), default="")
    text = npgettext(
        "connected", "These figures rest on %(count)s connected programme, with its list up to %(last)s.",
        "These figures rest on %(count)s connected programmes, with their lists up to %(last)s.", count,
    )  # fmt: skip
    return text % {"count": number(count), "last": day(date.fromisoformat(last)) if last else "–"}


def not_connected_sentence(found: FiveAnswers) -> str:
    """Say which programmes nothing is known of."""
    if not found.not_connected:
        return ""
    names = joined(programme_name(found, code) for code in found.not_connected)
    return _("Not connected, so nothing is known of them: %(names)s. Somebody may be served by one of these.") % {
        "names": names
    }


def connected_rows(found: FiveAnswers) -> list[dict[str, Any]]:
    """Return the connected programmes for a table."""
    return [
        {
            "name": programme_name(found, row.programme), "code": row.programme, "agency": row.agency,
            "periods": row.periods, "sources": row.sources, "rows": row.rows,
        }
        for row in found.connected
    ]  # fmt: skip


def bars(found: FiveAnswers, panel: Panel) -> list[dict[str, Any]]:
    """Return the breakdown by programme with shares of the longest bar and of the total."""
    total = found.value(panel.key) or 0
    return [
        {"code": code, "name": programme_name(found, code), "value": value, "share": value / total if total else None}
        for code, value in panel.breakdown
    ]


def places(panel: Panel) -> list[dict[str, Any]]:
    """Return the areas right below with their figure and its shade on the map."""
    edges = thresholds([row.value for row in panel.spread])
    return [
        {
            "code": row.area.code, "name": row.area.called(language()), "value": row.value, "level": row.area.level,
            "shade": SHADES[shade(row.value, edges)],
        }
        for row in panel.spread
    ]  # fmt: skip


def thresholds(values: Sequence[int]) -> list[int]:
    """Return the lower edges of the shades above the lightest: round, rising, at most four."""
    top = max(values, default=0)
    if top <= 0:
        return []
    edges: list[int] = []
    for fifth in (1, 2, 3, 4):
        edge = _round_number(top * fifth / 5)
        if edge > (edges[-1] if edges else 0):
            edges.append(edge)
    return edges


def _round_number(value: float) -> int:
    if value < 10:
        return max(1, round(value))
    size = 10 ** (len(str(int(value))) - 1)
    return int(round(value / size * 2) / 2 * size)


def shade(value: int, edges: Sequence[int]) -> int:
    """Return which shade a figure has."""
    return sum(1 for edge in edges if value >= edge)


def legend(panel: Panel) -> list[dict[str, str]]:
    """Return the words of each shade."""
    edges = thresholds([row.value for row in panel.spread])
    if not edges:
        return []
    starts = [0, *edges]
    rows = []
    for index, start in enumerate(starts):
        until = starts[index + 1] - 1 if index + 1 < len(starts) else None
        if until is None:
            text = _("%(from)s or more") % {"from": number(start)}
        elif until == start:
            text = number(start)
        else:
            text = span(number(start), number(until))
        rows.append({"shade": SHADES[index], "text": text})
    return rows


def matrix(found: FiveAnswers, panel: Panel) -> dict[str, Any]:
    """Return the heat table of programme pairs: one row and one column a programme."""
    codes = sorted({code for pair in panel.pairs for code in (pair.one, pair.other)})
    cells = {(pair.one, pair.other): pair for pair in panel.pairs} | {
        (pair.other, pair.one): pair for pair in panel.pairs
    }
    top = max((pair.persons for pair in panel.pairs), default=0)
    rows = []
    for one in codes:
        row = []
        for other in codes:
            pair = cells.get((one, other))
            persons = pair.persons if pair else 0
            row.append({
                "other": other, "other_name": programme_name(found, other), "is_self": one == other, "persons": persons,
                "heat": 0 if not persons or not top else min(5, 1 + int(4 * (persons / top) ** 0.5)),
                "is_conflict": bool(pair and pair.is_conflict and persons),
            })  # fmt: skip
        rows.append({"code": one, "name": programme_name(found, one), "cells": row})
    return {"codes": [{"code": code, "name": programme_name(found, code)} for code in codes], "rows": rows}


def pair_rows(found: FiveAnswers, panel: Panel) -> list[dict[str, Any]]:
    """Return the pairs, biggest first, for the table beside the matrix."""
    return [
        {
            "one": pair.one, "other": pair.other, "name": f"{programme_name(found, pair.one)} + {programme_name(found, pair.other)}",
            "persons": pair.persons, "households": pair.households, "is_conflict": pair.is_conflict,
        }
        for pair in sorted(panel.pairs, key=lambda pair: (-pair.persons, pair.one, pair.other))
        if pair.persons or pair.households
    ]  # fmt: skip
