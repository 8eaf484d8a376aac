"""Who lives with whom: choose the lines that go, say why, see what it would do; a second person confirms where one has to."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from khana.audit import services as audit
from khana.interfaces.web import session, wording
from khana.interfaces.web.context import flash
from khana.interfaces.web.errors.pages import wording as error_wording
from khana.platform import clock
from khana.registry import files
from khana.registry.services import keep_restructuring, restructure
from khana.workflows import restructure_household
from khana_methods.errors import Conflict, InputError

TONES = {"IN_FORCE": "good", "WAITING": "warn", "WITHDRAWN": "info"}


def _household(number: str) -> int:
    found = files.household_id_of(number)
    if found is None:
        raise keep_restructuring.RestructuringUnknown(
            "No such household, or it lies outside the area that you work for."
        )
    return found


def _change(row: Any) -> dict[str, Any]:
    state = "IN_FORCE" if row.in_force_at else "WITHDRAWN" if row.withdrawn_at else "WAITING"
    effect = row.effect
    return {
        "row": row, "kind": wording.say(wording.STRUCTURE_KIND, row.kind), "state": wording.say(wording.STRUCTURE_STATE, state),
        "tone": TONES[state], "is_open": state == "WAITING", "gained": effect.get("gained", []),
        "flags": [wording.say(wording.STRUCTURE_FLAG, one) for one in effect.get("flags", [])],
        "before": [value for value in effect.get("before", {}).values() if value is not None],
        "after": [value for value in effect.get("after", {}).values() if value is not None],
    }  # fmt: skip


@session.needs("registry.read")
@require_GET
def structure(request: HttpRequest, number: str) -> HttpResponse:
    """Show who lives in a household, with whom it shares its dwelling, and every change of it."""
    household = _household(number)
    places = files.members_of(household)
    people = files.person_at([place.person_id for place in places])
    audit.record(
        action="registry.household.read", subject=f"household:{household}", details={"at": "structure"}, at=clock.now()
    )
    context = {
        "number": number, "today": clock.today().isoformat(), "may_write": session.may(request, "registry.write"),
        "members": [{"place": place, "facts": people.get(place.person_id), "relation": wording.say(wording.RELATION, place.relation)} for place in places],
        "changes": [_change(row) for row in keep_restructuring.of_household(household)],
        "sharing": [files.household_number_of(one) for one in restructure.sharing(household)],
    }  # fmt: skip
    return render(request, "structure/structure.html", context)


@session.needs("registry.write")
@require_POST
def propose(request: HttpRequest, number: str) -> HttpResponse:
    """Propose a split, a join or a move; it is in force at once where nobody has to confirm it."""
    asked = request.POST
    _household(number)
    lines = [int(line) for line in asked.getlist("line") if line.isdecimal() and len(line) < 6]
    spouse = asked.get("spouse_line", "")
    try:
        done = restructure_household.propose(
            token=session.token_of(request), kind=asked.get("kind", ""), household=number, target=asked.get("target", "").strip()[:40],
            lines=lines, relation=asked.get("relation", "")[:40], spouse_line=int(spouse) if spouse.isdecimal() and len(spouse) < 6 else None,
            on=date.fromisoformat(asked.get("on", "")), reason=asked.get("reason", ""), same_dwelling=asked.get("elsewhere") != "1",
            at=clock.now(),
        )  # fmt: skip
    except ValueError:
        flash(request, "warning", _("Choose a day."))
        return redirect("structure", number)
    except (Conflict, InputError) as error:
        flash(request, "warning", error_wording(error))
        return redirect("structure", number)
    if done["state"] == "WAITING":
        flash(request, "warning", _("Kept. It waits for a second person, because of what it would do."))
        return redirect("structure", number)
    flash(request, "success", _("Done. They are in household %(number)s now.") % {"number": done["household"]})
    return redirect("structure", done["household"])


@session.needs("registry.write")
@require_POST
def decide(request: HttpRequest, number: str, proposal: int, what: str) -> HttpResponse:
    """Confirm a proposal as the second person, or withdraw it."""
    _household(number)
    try:
        if what == "confirm":
            restructure_household.confirm(token=session.token_of(request), proposal=proposal, at=clock.now())
            flash(request, "success", _("It is in force."))
        else:
            keep_restructuring.withdraw(number=proposal, at=clock.now())
            flash(request, "success", _("It was withdrawn."))
    except (Conflict, InputError) as error:
        flash(request, "warning", error_wording(error))
    return redirect("structure", number)
