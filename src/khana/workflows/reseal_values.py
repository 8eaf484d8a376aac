"""Close every old value and file anew under the newest key, in steps that commit by themselves.

Asked for by who keeps the keys; a kill loses the step that was open and nothing else, and the next try passes over what is
done. Web servers go on meanwhile: they open with every key of the ring.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from khana.access import resealing
from khana.access import services as access
from khana.audit import services as audit
from khana.platform import files
from khana.platform.progress import Progress, silent


def run(*, token: str, progress: Progress = silent, at: datetime) -> dict[str, Any]:
    """Close anew what older keys closed; return how many values and files."""
    with access.scoped(token):
        access.require("keys.manage", everywhere=True)
        columns = resealing.columns()
    values = 0
    for number, column in enumerate(columns):
        after: str | None = ""
        while after is not None:
            progress(number, len(columns), f"{column.place}.{column.named}")
            with access.scoped(token):
                after, done = resealing.step(column, after or None)
            values += done
    kept = 0
    names = files.closed_with_older_keys()
    for number, name in enumerate(names):
        progress(number, len(names), "files")
        with access.scoped(token):
            kept += files.close_anew(name)
    with access.scoped(token):
        audit.record(
            action="platform.values.resealed", subject="keys:aes", details={"values": values, "files": kept}, at=at
        )
    return {"values": values, "files": kept}
