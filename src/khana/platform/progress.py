"""Progress of long work: one call that both a terminal and a job run understand.

A worker function takes `progress` and calls it with what is done, what there is and the phase
in a word. The call may raise `Cancelled`: it is the point at which long work may be stopped, so
it stands where stopping leaves nothing half-written.
"""

from __future__ import annotations

from typing import ClassVar, Protocol

from khana_methods.errors import Conflict


class Cancelled(Conflict):
    """Somebody asked the work to stop; its transaction is rolled back."""

    code: ClassVar[str] = "platform.job.cancelled"
    exit_code: ClassVar[int] = 130


class Progress(Protocol):
    """What long work calls as it goes: `progress(done, total, phase)`."""

    def __call__(self, done: int, total: int, phase: str) -> None:
        """Tell how far the work is.

        Args:
            done: Units done in this phase (rows, areas, files).
            total: Units of this phase; 0 where it is not known.
            phase: One word for people: reading, matching, writing.

        Raises:
            Cancelled: The work shall stop here.
        """


def silent(done: int, total: int, phase: str) -> None:
    """Tell nobody: for tests and for work that is short."""
