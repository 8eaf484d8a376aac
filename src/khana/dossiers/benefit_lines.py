"""Benefit rows with everything found about them: the part that files of persons and rows share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from khana.beneficiaries import lists, results


@dataclass(frozen=True)
class BenefitLine:
    """One list row and what the last run found about it."""

    row: lists.BenefitRow
    findings: Sequence[results.FindingRow]


def benefit_lines(tokens: Sequence[bytes]) -> list[BenefitLine]:
    """Return every list row of whoever holds one of the numbers, with its findings, newest first."""
    return with_findings(lists.benefits_of(tokens))


def with_findings(rows: Sequence[lists.BenefitRow]) -> list[BenefitLine]:
    """Return list rows, each with what the last finished run found about it."""
    run = results.latest_run()
    found: dict[int, list[results.FindingRow]] = {}
    if run is not None and rows:
        for finding in results.findings_of_benefits(run.id, [row.id for row in rows]):
            found.setdefault(finding.benefit_id, []).append(finding)
    return [BenefitLine(row, tuple(found.get(row.id, ()))) for row in rows]
