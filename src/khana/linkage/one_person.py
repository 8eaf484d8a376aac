"""Which files are one person today: merged by people, said to be by people, or linked by the model.

People's word stands above the model's: a cluster in which somebody told two files apart is not used, and a
merge decides which file is hers. Used where persons are counted; no row anywhere is repointed.
"""

from __future__ import annotations

import pyarrow as pa

from khana.linkage import frames as linkage
from khana.platform.frames import FrameSource
from khana.registry import frames as registry
from khana_methods.engine.duckdb import Engine


def lay_out(engine: Engine, source: FrameSource) -> int:
    """Write `one_person` (person_id, current_id), one row a file that counts as another; return how many."""
    aliases = registry.alias_frame(source).read_all().to_pydict()
    clusters = linkage.cluster_frame(source).read_all().to_pydict()
    decided = linkage.decided_frame(source).read_all().to_pylist()
    merged = dict(zip(aliases["person_id"], aliases["current_id"], strict=True))
    apart = [
        (one["left_id"], one["right_id"]) for one in decided if one["left_kind"] == "PERSON" and not one["is_same"]
    ]
    same = [(one["left_id"], one["right_id"]) for one in decided if one["left_kind"] == "PERSON" and one["is_same"]]
    members: dict[int, list[int]] = {}
    for person, cluster in zip(clusters["person_id"], clusters["cluster"], strict=True):
        members.setdefault(cluster, []).append(person)
    told_apart = {frozenset(pair) for pair in apart}
    edges = [*merged.items(), *same]
    for cluster, held in members.items():
        if not any(pair <= set(held) for pair in told_apart):
            edges += [(person, cluster) for person in held if person != cluster]
    groups = _groups(edges)
    rows = []
    for group in groups:
        current = _current(group, merged)
        rows += [(person, current) for person in group if person != current]
    frame = pa.table(
        {
            "person_id": pa.array([row[0] for row in rows], pa.int64()),
            "current_id": pa.array([row[1] for row in rows], pa.int64()),
        }
    )
    engine.register("one_person", frame)
    return len(rows)


def lay_out_homes(engine: Engine) -> None:
    """Write `model_home` (person_id, household_id): where whoever stands in several households belongs, by her current file.

    That is where she has parents, husband or children: a second registration is mostly that of a relative or lodger without
    any of them. Needs `link_person` and `one_person`.
    """
    engine.run("""
        CREATE OR REPLACE TABLE model_home AS
        WITH held AS (SELECT person_id, current_id FROM one_person UNION SELECT current_id, current_id FROM one_person),
        file AS (SELECT h.current_id, p.* FROM held h JOIN link_person p USING (person_id)),
        kin AS (
            SELECT DISTINCT f.person_id FROM file f JOIN link_person b
            ON b.household_id = f.household_id AND b.line_no <> f.line_no
                AND (b.line_no IN (f.spouse_line, f.father_line, f.mother_line)
                     OR f.line_no IN (b.spouse_line, b.father_line, b.mother_line)))
        SELECT f.current_id AS person_id, f.household_id
        FROM file f LEFT JOIN kin k USING (person_id)
        QUALIFY row_number() OVER (PARTITION BY f.current_id
            ORDER BY k.person_id IS NULL, f.person_id <> f.current_id, f.person_id) = 1
        """)


def _groups(edges: list[tuple[int, int]]) -> list[list[int]]:
    """Group files that are joined by edges (union-find with halving).

    Examples:
        >>> sorted(map(sorted, _groups([(1, 2), (2, 3), (7, 8)])))
        [[1, 2, 3], [7, 8]]
    """
    above: dict[int, int] = {}

    def top(one: int) -> int:
        above.setdefault(one, one)
        while above[one] != one:
            above[one] = above[above[one]]
            one = above[one]
        return one

    for left, right in edges:
        a, b = top(left), top(right)
        if a != b:
            above[max(a, b)] = min(a, b)
    found: dict[int, list[int]] = {}
    for one in list(above):
        found.setdefault(top(one), []).append(one)
    return list(found.values())


def _current(group: list[int], merged: dict[int, int]) -> int:
    """Return the file of a group that stands: where people merged, the end of their merges, else the oldest file.

    Examples:
        >>> _current([4, 7, 9], {4: 9}), _current([4, 7], {})
        (9, 4)
    """
    ends = sorted({merged[one] for one in group if one in merged} - set(merged))
    return ends[0] if ends else min(group)
