"""A line of a log is one line of JSON in UTC, without the secret of an address and without the text of an error."""

from __future__ import annotations

import json
import logging
from datetime import datetime

from khana.platform.log_lines import JsonLines


def written(message: str, *arguments: object, error: BaseException | None = None) -> str:
    kind = (type(error), error, error.__traceback__) if error else None
    return JsonLines().format(logging.LogRecord("khana.x", logging.WARNING, "f.py", 1, message, arguments, kind))


def test_a_line_is_one_line_of_json_without_secrets() -> None:
    line = written("refused %s", "/api/odk/v1/key/s3cr3t-t0ken/forms\nWARNING forged: all is well")
    assert "\n" not in line and "s3cr3t" not in line and "/key/…/forms" in line
    held = json.loads(line)
    assert held["message"].endswith("forged: all is well") and held["level"] == "WARNING" and held["process"]
    assert datetime.fromisoformat(held["at"]).utcoffset() is not None and held["at"].endswith("+00:00")
    try:
        raise ValueError("Shazia Bibi 39001-0000111-1")
    except ValueError as error:
        told = written("a mistake of ours", error=error)
    assert "Shazia" not in told and "39001" not in told
    assert json.loads(told)["error"] == "ValueError" and "test_log_lines.py" in json.loads(told)["places"][-1]


def test_logs_go_nowhere_else() -> None:
    from django.conf import settings

    handlers = settings.LOGGING["handlers"]
    assert [one["class"] for one in handlers.values()] == ["logging.StreamHandler"]  # `khana up` keeps it in <var>/logs
    assert all("handlers" not in one for one in settings.LOGGING["loggers"].values())
