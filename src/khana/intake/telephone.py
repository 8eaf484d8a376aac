"""What sets up ODK Collect by one picture: the server's address with an app user's token, as Collect reads it from a QR code.

Source: ODK Collect settings as JSON, compressed with zlib and written in base64.
"""

from __future__ import annotations

import base64
import io
import json
import zlib

import segno


def settings_text(address: str, *, title: str = "Khana") -> str:
    """Return the text of the QR code for one address (`…/api/odk/v1/key/<token>/projects/1`).

    Examples:
        >>> import base64, json, zlib
        >>> json.loads(zlib.decompress(base64.b64decode(settings_text("https://x/y"))))["general"]["server_url"]
        'https://x/y'
    """
    settings = {
        "general": {
            "server_url": address, "form_update_mode": "match_exactly", "autosend": "wifi_and_cellular",
            "periodic_form_updates_check": "every_fifteen_minutes",
        },
        "admin": {"change_server": False, "edit_saved": True},
        "project": {"name": title, "icon": "خ", "color": "#0b6e4f"},
    }  # fmt: skip
    return base64.b64encode(zlib.compress(json.dumps(settings).encode())).decode()


def picture(text: str) -> str:
    """Return a QR code as SVG."""
    out = io.BytesIO()
    segno.make(text, error="l").save(out, kind="svg", scale=4, border=4, xmldecl=False, svgns=True)
    return out.getvalue().decode()


def for_terminal(text: str) -> str:
    """Return a QR code in block letters."""
    out = io.StringIO()
    segno.make(text, error="l").terminal(out, compact=True)
    return out.getvalue()
