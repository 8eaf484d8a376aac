"""`GET answers` and `GET jobs/{uuid}`: the five answers in numbers, and how long work goes."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema

from khana.access import services as access
from khana.beneficiaries import report_rows as results
from khana.interfaces.api.v1.problems import answer
from khana.platform import jobs

router = Router(tags=["answers and jobs"])


class Answers(Schema):
    """The newest finished run: its answers in numbers, and what it knew."""

    run: int
    consolidated_at: datetime | None
    parameters: dict[str, Any]
    summary: dict[str, Any]


class Job(Schema):
    """One piece of long work."""

    uuid: UUID
    kind: str
    state: str
    phase: str
    done: int
    total: int
    message: str
    error_code: str
    result: dict[str, Any]
    queued_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


@router.get("/answers", response=Answers, summary="The five answers in numbers")
def get_answers(request: HttpRequest) -> HttpResponse:
    """Return the newest run in numbers, with the programmes that are connected and to which period."""
    with access.scoped(request.auth):  # type: ignore[attr-defined]
        access.require("results.read")
        run = results.get_run()
    return answer(
        200,
        {
            "run": run.id, "consolidated_at": run.ended_at, "parameters": run.parameters, "summary": run.summary,
        },
    )  # fmt: skip


@router.get("/jobs/{uuid}", response=Job, summary="How one job goes")
def get_job(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Return one of your jobs: state, phase, progress, and its result or why it failed."""
    with access.scoped(request.auth):  # type: ignore[attr-defined]
        run = jobs.get(uuid)
    return answer(
        200,
        {
            "uuid": run.uuid, "kind": run.kind, "state": run.state, "phase": run.phase, "done": run.progress_done,
            "total": run.progress_total, "message": run.message, "error_code": run.error_code, "result": run.result,
            "queued_at": run.queued_at, "started_at": run.started_at, "ended_at": run.ended_at,
        },
    )  # fmt: skip
