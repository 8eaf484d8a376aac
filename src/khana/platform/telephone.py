"""Hand a short message to the telephone company; in development it lands in a file.

Three ways, the first that is set: the address `KHANA_SMS_URL` (JSON with `to` and `text`, bearer of the secret
`sms_gateway`), the command `KHANA_SMS_COMMAND` (the same JSON on its input), and outside production the file
`run/messages.jsonl`. In production without either the message is refused, never lost in silence.
"""

from __future__ import annotations

import json
import os
import subprocess
from datetime import UTC, datetime
from typing import ClassVar

from khana.platform import outgoing, places, secrets_store
from khana_methods.errors import Unavailable

FILE = "messages.jsonl"
_PACE = outgoing.Pace(per_second=20)


class TelephoneSilent(Unavailable):
    """The message could not be handed to the telephone company."""

    code: ClassVar[str] = "platform.telephone.silent"


def ready() -> None:
    """Raise where production has no way to send: to be asked before it matters whether anybody is known.

    Raises:
        TelephoneSilent: See there.
    """
    ways = os.environ.get("KHANA_SMS_URL") or os.environ.get("KHANA_SMS_COMMAND")
    if not ways and os.environ.get("KHANA_ENV", "development") == "production":
        raise TelephoneSilent("No telephone company is connected: set KHANA_SMS_URL or KHANA_SMS_COMMAND.")


def send(to: str, text: str) -> str:
    """Hand a message over; return the way it took: `gateway`, `command` or `file`.

    Raises:
        TelephoneSilent: It was not taken, or production has no gateway.
    """
    written = json.dumps({"to": to, "text": text}, ensure_ascii=False)
    if url := os.environ.get("KHANA_SMS_URL"):
        _to_gateway(url, written)
        return "gateway"
    if command := os.environ.get("KHANA_SMS_COMMAND"):
        try:
            subprocess.run([command], input=written.encode(), check=True, timeout=20)
        except (OSError, subprocess.SubprocessError) as error:
            raise TelephoneSilent("The message could not be sent. Try again in a few minutes.") from error
        return "command"
    ready()
    path = places.folder("run") / FILE
    line = json.dumps({"at": datetime.now(UTC).isoformat(), "to": to, "text": text}, ensure_ascii=False)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w", encoding="utf-8") as handle:
        handle.write(line + "\n")
    return "file"


def _to_gateway(url: str, written: str) -> None:
    headers = {
        "Content-Type": "application/json",
        "Authorization": f"Bearer {secrets_store.get_secret('sms_gateway')}",
    }
    try:
        answer = outgoing.post_patiently(url, written.encode(), headers=headers, pace=_PACE, tries=3)
    except Unavailable as error:
        raise TelephoneSilent("The message could not be sent. Try again in a few minutes.") from error
    if not 200 <= answer.status < 300:
        raise TelephoneSilent(f"The telephone company refused the message ({answer.status}).", status=answer.status)
