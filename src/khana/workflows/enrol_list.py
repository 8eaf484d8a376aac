"""From a frozen list to enrolments: each entry under the number that its person is known by.

The one whom the list names, or, where the benefit is a household's, the first of its roster who has a number. Who has none
is counted: her number comes first, and the same command again enrols her then.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from khana.access import services as access
from khana.beneficiaries.services import enrol_list
from khana.platform.frames import open_source
from khana.platform.progress import Progress, silent
from khana.platform.workplaces import workplace
from khana.programmes import frames as programmes
from khana.programmes import lists
from khana.registry import frames as registry
from khana_methods.engine.duckdb import Engine
from khana_methods.errors import Conflict

MEMORY_MIB = 1024


class ListNotFrozen(Conflict):
    """Only what two people approved and what is frozen enrols anybody."""

    code: ClassVar[str] = "workflows.enrol_list.not_frozen"


def run(*, token: str, code: str, progress: Progress = silent, at: datetime) -> dict[str, Any]:
    """Enrol by a frozen list; the same list twice changes nothing.

    Args:
        token: In whose name; it needs `lists.draw` for the whole country, and `benefits.write`.
        code: The list.
        progress: Told phases.
        at: When.

    Returns:
        `list`, `selected`, `wait_listed`, `moved_up`, `on_it_already`, `left_before`, and `without_number`: entries of whom
        nobody has one.

    Raises:
        ListUnknown: There is none of that code.
        ListNotFrozen: It is open, or was withdrawn.
    """
    with access.scoped(token):
        access.require("lists.draw", everywhere=True)
        access.require("benefits.write")
        known = lists.get_list(code)
        if not known.is_settled:
            raise ListNotFrozen(f"The list {code} is {known.state.lower()}: freeze it first.", list=code)
        progress(0, 2, "reading")
        with (
            workplace("scratch") as folder,
            Engine(memory_mib=MEMORY_MIB, folder=folder) as engine,
            open_source() as source,
        ):
            engine.register("listed", programmes.listed_frame(source, list_id=known.id))
            engine.register("number", registry.best_number_frame(source))
            engine.register("alias", registry.alias_frame(source))
            engine.run(_WHO)
            rows = engine.table(
                "SELECT '\\x' || hex(token) AS token, person_id, household_number, area_path, state FROM enrol WHERE token IS NOT NULL"
            )
            entries = int(engine.value("SELECT count(*) FROM enrol"))
        progress(1, 2, "writing")
        counts = enrol_list.enrol_from_list(code=code, programme=known.programme, agency=known.agency, rows=rows, at=at)
        progress(2, 2, "done")
    return {"list": code, **counts, "without_number": entries - rows.num_rows}


# one row an entry: the number of its person, else of the first of the household who has one
_WHO = """CREATE OR REPLACE TABLE enrol AS
    WITH first_of AS (
        SELECT household_id, arg_min(person_id, line_no) AS person_id FROM number WHERE household_id IS NOT NULL GROUP BY household_id)
    SELECT l.unit, n.token, n.person_id, l.household_number, l.area_path,
           CASE l.state WHEN 'SELECTED' THEN 'SELECTED' ELSE 'WAITLISTED' END AS state
    FROM listed l LEFT JOIN alias a ON a.person_id = l.person_id
    LEFT JOIN first_of f ON f.household_id = l.household_id
    LEFT JOIN number n ON n.person_id = CASE WHEN l.person_id IS NULL THEN f.person_id ELSE coalesce(a.current_id, l.person_id) END"""


def notify(*, token: str, code: str, at: datetime) -> dict[str, Any]:
    """Record that everybody whom a list selected was told; of those within the scope.

    Raises:
        ListUnknown: There is none of that code.
    """
    with access.scoped(token):
        access.require("lists.read")
        known = lists.get_list(code)
        return {"list": code, "notified": enrol_list.notify_list(code=code, programme=known.programme, at=at)}
