"""A frozen list derived again after a million later changes: the same bytes?

Size: households of a made-up country, consolidated. A list is drawn, approved, frozen and derived again; then every version
of households and persons, every score and a part of the memberships is written anew until a million rows have changed, and it
is derived once more. The figure is the seconds of the second deriving; the limit is the first, of the same list in the same run.
The run fails where a byte differs, or where a new draw of the same terms does not.
"""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import psycopg

from bench._world import hashes, loaded_country, result, world

SIZE = 100_000
CHANGES = 1_000_000
DAY = date(2026, 6, 30)
_CURRENT = "superseded_at IS NULL"
# each writes every current row anew with other values, as an amendment does: nothing is overwritten
_ANEW = (
    ("registry_householdversion", "household_id, area_path, valid_from, address, consent, facts",
     "household_id, area_path, valid_from, address, consent, facts || '{\"rooms\": 9}'"),
    ("registry_personversion", "person_id, area_path, valid_from, name, name_native, guardian_name, sex, birth_year, marital, facts",
     "person_id, area_path, valid_from, name, name_native, guardian_name, 'M', 1950, 'S', '{}'"),
    ("assessment_score", "household_id, area_path, score_date, score, model_code, class_name, facts_mark",
     "household_id, area_path, score_date, 100 - score, model_code, class_name, facts_mark"),
)  # fmt: skip
_TABLES = (*(table for table, _, _ in _ANEW), "registry_membership")


def run(size: int) -> dict[str, Any]:
    from khana.platform import embedded

    with world() as w:
        data = loaded_country(w, size)
        from khana.workflows import draw_list, load_catalogue

        load_catalogue.run(token=w.token, country="pak", on=DAY, at=w.now())
        with psycopg.connect(**embedded.connection_parameters("owner"), autocommit=True) as owner:
            _of_old(owner)
            with w.timed("draw"):
                wish = draw_list.Wish(programme="KFL", code="KFL-1", places=max(1, size // 5), seed="2026")
                drawn = draw_list.run(token=w.token, wish=wish, as_of=DAY, at=w.now())
            _approve(owner)
            with w.timed("freeze"):
                frozen = draw_list.freeze(token=w.token, code="KFL-1", at=w.now())
            with w.timed("limit: derive again"):
                first = draw_list.rederive(token=w.token, code="KFL-1", at=w.now())
            with w.timed("change"):
                changed = _change(owner)
            owner.execute("VACUUM ANALYZE")
        with w.timed("derive again after the changes"):
            second = draw_list.rederive(token=w.token, code="KFL-1", at=w.now())
        now = draw_list.run(
            token=w.token, wish=draw_list.Wish(programme="KFL", code="KFL-NOW", places=max(1, size // 5), seed="2026"), as_of=DAY, at=w.now()
        )  # fmt: skip
        if not (first["is_same"] and second["is_same"] and first["content"] == second["content"]):
            raise RuntimeError("the list came out otherwise than it was frozen")
        if second["list_hash"] != frozen["frozen_hash"] or now["drawn_hash"] == drawn["drawn_hash"]:
            raise RuntimeError("the hash differs, or nothing had changed")
        figure, limit = w.timings["derive again after the changes"], w.timings["limit: derive again"]
        return result(
            w, figure=figure, unit="s", limit=limit, limit_is="s to derive it again before the changes", ratio=figure / limit,
            size=size, changes=changed, rows=second["rows"], selected=drawn["selected"], is_same=True, sha256=second["list_hash"],
            inputs=hashes(data / "persons.csv"),
        )  # fmt: skip


def _open(owner: psycopg.Connection[Any], force: str) -> None:
    for table in _TABLES:
        owner.execute(f"ALTER TABLE {table} {force} ROW LEVEL SECURITY")  # type: ignore[arg-type]


def _of_old(owner: psycopg.Connection[Any]) -> None:
    """Let the country have been interviewed in 2020: a list of a day reads what was true on it."""
    _open(owner, "NO FORCE")
    for table in ("registry_householdversion", "registry_personversion", "registry_membership"):
        owner.execute(f"UPDATE {table} SET valid_from = '2020-01-01'")  # type: ignore[arg-type]
    _open(owner, "FORCE")


def _approve(owner: psycopg.Connection[Any]) -> None:
    """Sign for two officers who did not draw it."""
    for officer in (900_001, 900_002):
        owner.execute(
            "INSERT INTO programmes_listapproval (list_id, agency, head_hash, actor_id, actor_label, approved_at)"
            " SELECT id, agency, head_hash, %s, 'bench', now() FROM programmes_selectionlist WHERE code = 'KFL-1'",
            [officer],
        )


def _change(owner: psycopg.Connection[Any]) -> int:
    changed = 0
    _open(owner, "NO FORCE")
    while changed < CHANGES:
        for table, keys, values in _ANEW:
            changed += owner.execute(
                f"WITH gone AS (UPDATE {table} SET superseded_at = clock_timestamp() WHERE {_CURRENT} RETURNING *)"
                f" INSERT INTO {table} ({keys}, recorded_at) SELECT {values}, clock_timestamp() FROM gone"  # type: ignore[arg-type]
            ).rowcount
    changed += owner.execute(
        f"UPDATE registry_membership SET superseded_at = clock_timestamp() WHERE {_CURRENT} AND id % 5 = 0"
    ).rowcount
    _open(owner, "FORCE")
    return changed


if __name__ == "__main__":
    print(json.dumps(run(SIZE)))
