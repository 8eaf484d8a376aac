"""The registry's own roster in the shape of the quality methods, within the reader's scope and with an event.

What checks and freshness see of the registry is what the person who runs them may see; nothing is written.
"""

from __future__ import annotations

from datetime import datetime

from khana.access import services as access
from khana.audit import services as audit
from khana.platform.frames import open_source
from khana.registry import frames
from khana_methods.engine.duckdb import Engine
from khana_methods.quality.roster import Roster, make_roster
from khana_methods.rules.facts import load_facts

PERMISSION = "registry.read"
# what the frames state in a column of their own, and what no check may read here: numbers are kept as tokens only
_OWN = frozenset(
    {
        "household_number", "line_no", "relation", "is_member", "is_present", "spouse_line", "father_line", "mother_line", "sex",
        "marital", "birth_date", "area_code", "survey_date", "consent", "latitude", "longitude", "id_number", "mobile_number",
        "name", "name_native", "guardian_name", "address", "contact_mobile_number", "household_size",
    }
)  # fmt: skip


def read_roster(
    engine: Engine, *, wanted: frozenset[str] | None = None, purpose: str, batch: int | None = None, at: datetime
) -> Roster:
    """Read the current roster of every household in scope.

    Args:
        engine: Gets the tables.
        wanted: Facts to read; None reads all but names, numbers and addresses.
        purpose: What it is read for, for the event.
        batch: Only households of which this delivery brought a line.
        at: When, for the event.

    Raises:
        PermissionMissing: The reader may not read the registry.
    """
    access.require(PERMISSION)
    catalogue = load_facts()
    persons, households = (
        [f.name for f in catalogue.of_entity(entity) if f.name not in _OWN and (wanted is None or f.name in wanted)]
        for entity in ("person", "household")
    )
    with open_source() as source:
        engine.register("persons_read", frames.roster_frame(source, persons, batch))
        engine.register("households_read", frames.household_roster_frame(source, households, batch))
    roster = make_roster(engine, "persons_read", "households_read", wanted=wanted, file="the registry")
    engine.drop("persons_read", "households_read")
    audit.record(
        action="registry.roster.read",
        subject=f"roster:{purpose}",
        details={"households": roster.households.num_rows, "lines": roster.members.num_rows},
        at=at,
    )
    return roster
