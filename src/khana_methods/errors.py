"""The error kinds of Khana: every error raised on purpose is one of these.

Concrete classes stand beside the function that raises them and carry a stable dotted code.
Messages are clear, gentle, concise and actionable, and never hold a personal value: details
are ids, codes, counts and positions only.
"""

from __future__ import annotations

from typing import Any, ClassVar


class KhanaError(Exception):
    """Root of all errors that Khana raises on purpose.

    Args:
        message: One or two sentences: what is wrong and what to do.
        **details: Named values for machines: ids, codes, positions; never personal values.
    """

    code: ClassVar[str] = "khana.error"
    exit_code: ClassVar[int] = 1
    http_status: ClassVar[int] = 500

    def __init__(self, message: str, **details: Any) -> None:
        """Keep the message and the details apart, so that interfaces can translate."""
        super().__init__(message)
        self.message = message
        self.details = details


class InputError(KhanaError):
    """What was sent is wrong; the sender can mend it."""

    code: ClassVar[str] = "khana.input"
    exit_code: ClassVar[int] = 10
    http_status: ClassVar[int] = 422


class NotFound(KhanaError):
    """No such thing within the caller's scope."""

    code: ClassVar[str] = "khana.not_found"
    exit_code: ClassVar[int] = 11
    http_status: ClassVar[int] = 404


class Conflict(KhanaError):
    """The state has moved: stale version, frozen list, already there."""

    code: ClassVar[str] = "khana.conflict"
    exit_code: ClassVar[int] = 12
    http_status: ClassVar[int] = 409


class NotPermitted(KhanaError):
    """The actor may not; the message names the permission."""

    code: ClassVar[str] = "khana.not_permitted"
    exit_code: ClassVar[int] = 13
    http_status: ClassVar[int] = 403


class NotConfigured(KhanaError):
    """A model, rule, key or setting is missing for that date."""

    code: ClassVar[str] = "khana.not_configured"
    exit_code: ClassVar[int] = 14
    http_status: ClassVar[int] = 500


class Unavailable(KhanaError):
    """Another system did not answer; safe to try again."""

    code: ClassVar[str] = "khana.unavailable"
    exit_code: ClassVar[int] = 15
    http_status: ClassVar[int] = 503
