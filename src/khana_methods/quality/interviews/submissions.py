"""Lay out a file of submissions: which column is the enumerator, the clock, the position; what is an answer.

The caller names the columns; everything that plays no part is an answer. Clocks are read as they stand, days
are those of the telephone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from khana_methods.engine.duckdb import Engine
from khana_methods.errors import InputError
from khana_methods.yaml_text import read_yaml

ROLES = {
    "submission": "number of the submission",
    "enumerator": "code of the enumerator",
    "started": "when it began, such as 2026-04-01T09:30:00",
    "ended": "when it ended",
    "minutes": "how long it took, where there are no two times",
    "latitude": "degrees",
    "longitude": "degrees",
    "accuracy": "metres, as the device told it",
    "village": "code of the village",
    "village_latitude": "degrees of the village's centre",
    "village_longitude": "degrees of the village's centre",
    "age": "an age in years, for heaping",
}
NEEDED = ("submission", "enumerator")
_NUMBERS = ("minutes", "latitude", "longitude", "accuracy", "village_latitude", "village_longitude", "age")


class RoleUnknown(InputError):
    """A column is named for a part that there is not, or does not exist."""

    code: ClassVar[str] = "quality.interviews.role_unknown"


class LimitUnknown(InputError):
    """A limit is named that there is not, or is no number."""

    code: ClassVar[str] = "quality.interviews.limit_unknown"


@dataclass(frozen=True)
class Layout:
    """Which columns of the file play which part, and which are answers."""

    roles: Mapping[str, str]
    answers: tuple[str, ...]

    def has(self, *roles: str) -> bool:
        """Tell whether all these parts are played."""
        return all(role in self.roles for role in roles)


def quoted(column: str) -> str:
    """Write a column's name in SQL."""
    return '"' + column.replace('"', '""') + '"'


def lay_out(
    engine: Engine,
    table: str,
    roles: Mapping[str, str],
    *,
    answers: tuple[str, ...] = (),
    leave_out: tuple[str, ...] = (),
) -> Layout:
    """Make the table `submission` of a file of submissions.

    Args:
        engine: Holds `table`, of any types.
        table: One row per submission.
        roles: Part to column; see `ROLES`.
        answers: Columns that are answers; empty takes all that play no part.
        leave_out: Columns that are neither.

    Returns:
        The layout. `submission` has `k` from 0, the parts typed, `day`, `began` and `finished`, and the answers as texts.

    Raises:
        RoleUnknown: A part or a column does not exist, or submission or enumerator is not named.
    """
    columns = [row[0] for row in engine.rows(f"SELECT column_name FROM (DESCRIBE {table})")]
    unknown = [role for role in roles if role not in ROLES]
    lost = [column for column in (*roles.values(), *answers, *leave_out) if column not in columns]
    missing = [role for role in NEEDED if role not in roles]
    if unknown or lost or missing:
        told = "; ".join(
            words
            for names, words in (
                (unknown, f"no part is called {', '.join(unknown)}"),
                (lost, f"no column is called {', '.join(lost)}"),
                (missing, f"name the column of {', '.join(missing)}"),
            )
            if names
        )
        raise RoleUnknown(f"{told}. The parts are {', '.join(ROLES)}.", parts=unknown, columns=lost, missing=missing)
    taken = {*roles.values(), *leave_out}
    chosen = answers or tuple(column for column in columns if column not in taken)
    parts = ["row_number() OVER () - 1 AS k"]
    for role in ROLES:
        text = f"nullif(trim(CAST({quoted(roles[role])} AS VARCHAR)), '')" if role in roles else "NULL"
        parts.append(
            f"try_cast({text} AS DOUBLE) AS {role}" if role in _NUMBERS else f"CAST({text} AS VARCHAR) AS {role}"
        )
    parts += [
        f"nullif(trim(CAST({quoted(name)} AS VARCHAR)), '') AS {quoted('a' + str(n))}" for n, name in enumerate(chosen)
    ]
    engine.run(
        f"""CREATE OR REPLACE TABLE submission AS SELECT *, try_cast(left(started, 10) AS DATE) AS day,
                try_cast(started AS TIMESTAMP) AS began, try_cast(ended AS TIMESTAMP) AS finished
            FROM (SELECT {", ".join(parts)} FROM {table}) AS typed"""
    )
    engine.run("""UPDATE submission SET minutes = coalesce(date_diff('second', began, finished) / 60.0, minutes)""")
    return Layout(dict(roles), chosen)


def load_limits(path: Path | None = None) -> dict[str, float]:
    """Read the limits; those of a file of the same form replace the shipped ones.

    Raises:
        LimitUnknown: The file names a limit that there is not, or one that is no number.
    """
    limits = _limits(Path(__file__).with_name("limits.yaml"))
    if path is None:
        return limits
    own = _limits(path)
    strange = [name for name in own if name not in limits]
    if strange:
        raise LimitUnknown(f"There is no limit {', '.join(strange)}; there are {', '.join(limits)}.", limits=strange)
    return limits | own


def _limits(path: Path) -> dict[str, float]:
    document: Any = read_yaml(path.read_text(encoding="utf-8"))
    entries = (document.get("limits") if isinstance(document, dict) else None) or {}
    found: dict[str, Any] = {
        str(name): entry.get("value") if isinstance(entry, dict) else entry for name, entry in entries.items()
    }
    wrong = [name for name, value in found.items() if isinstance(value, bool) or not isinstance(value, int | float)]
    if wrong or not found:
        raise LimitUnknown(
            f"{path.name}: limits are numbers by name; look at {', '.join(wrong) or 'the key limits'}.", limits=wrong
        )
    return {name: float(value) for name, value in found.items()}
