"""A budget's file taken in: kept whole by its hash, read against the catalogue and the areas, its lines kept or refused together."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from khana.access import services as access
from khana.geo import area_names, selectors
from khana.monitoring import budgets
from khana.monitoring import selectors as monitoring
from khana.monitoring.frameworks import country_in_use, framework_of
from khana.platform import files
from khana.programmes import names as programmes
from khana_country.load import load_pack
from khana_methods.coverage.budgets import COLUMNS, Execution, execute, read_budget
from khana_methods.engine.files import read_texts


def run(*, token: str, path: Path, name: str = "", at: datetime) -> dict[str, Any]:
    """Keep a budget.

    Args:
        token: In whose name; `monitoring.write`.
        path: CSV or workbook with the columns of `coverage.budgets.COLUMNS`.
        name: The file's own name, where `path` is a copy of it.
        at: When.

    Returns:
        `lines` in the file, `changed` (new, or another amount than before), `years`, `sha256`.

    Raises:
        BudgetFileWrong: Every mistake, by line; nothing is kept.
        PermissionMissing: As said.
    """
    with access.scoped(token):
        access.require(budgets.PERMISSION)
        kept = files.keep(path, name=name or path.name, at=at)
    table = read_texts(path)
    column = next((one for one in table.schema.names if one.strip().lower() == "area"), "")
    words = {str(word).strip() for word in table[column].to_pylist() if word} if column else set()
    with access.scoped(token):
        known = {word: (area.code, area.level) for word, area in area_names.named(words).items()}
        agencies = {code: one.agency for code, one in programmes.catalogue().items()}
        month = load_pack(country_in_use()).fiscal_month(at.date())
        lines = read_budget(table, programmes=agencies, areas=known, fiscal_start=month)
        changed = budgets.keep(lines=lines, sha256=kept.sha256, at=at)
    years = list(dict.fromkeys(line.year for line in lines))
    return {"lines": len(lines), "changed": changed, "years": years, "sha256": kept.sha256}


def executed(*, year: str = "") -> tuple[monitoring.SnapshotHead | None, list[Execution]]:
    """Return every line of a fiscal year (all where none is named) with what the newest snapshot says was spent; in the open scope."""
    access.require("results.read")
    lines = budgets.list_lines(year)
    framework = framework_of(country_in_use()).code
    head = next((one for one in monitoring.list_snapshots() if one.framework == framework), None)
    spending = budgets.list_spending(head.id) if head else []
    return head, execute(lines, spending, selectors.list_parents())


def table(*, token: str, year: str = "", language: str = "en") -> dict[str, Any]:
    """Return lines with what was spent, as rows."""
    with access.scoped(token):
        head, found = executed(year=year)
        called = {
            area.code: area.called(language) for area in area_names.areas(o.line.area_code for o in found).values()
        }
        named = {code: one.called(language) for code, one in programmes.catalogue().items()}
    rows = [
        {
            "programme": one.line.programme, "name": named.get(one.line.programme, one.line.programme), "agency": one.line.agency,
            "government": one.line.government, "area": one.line.area_code, "area_name": called.get(one.line.area_code, ""),
            "year": one.line.year, "amount": float(one.line.amount), "spent": round(one.spent, 2), "share": one.share,
            "quarters": one.quarters, "source": one.line.source,
        }
        for one in found
    ]  # fmt: skip
    return {"as_of": head.as_of.isoformat() if head else None, "snapshot": head.id if head else None,
            "columns_of_a_file": list(COLUMNS), "rows": rows}  # fmt: skip
