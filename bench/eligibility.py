"""Twenty programmes' rules over every household and member, and the list of the unserved, beside one pass over the facts.

Size: households; each has 4 to 7 members. The figure is the work of `khana programmes evaluate` after the facts have left the
database: typing them, deciding twenty rules clause by clause, counting answers by district, seven exclusion filters with
spouses. The limit is typing the facts alone. `unserved` is the ranking with reasons, measured apart.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

from bench._world import World, peak_mib

SIZE = 1_000_000
DAY = date(2026, 6, 30)
MORE = {"MORE1": "score <= 32 and rooms < 3", "MORE2": "any_member(age < 5) and toilet = 'none'"}


def run(size: int) -> dict[str, Any]:
    import tempfile

    from khana_methods.engine.duckdb import Engine
    from khana_methods.overlap import evaluate, unserved
    from khana_methods.rules import snapshot
    from khana_methods.rules.decide import decidable

    programmes, filters, book = _rules()
    rules = evaluate.read_programmes(programmes, book, DAY)
    told = [decidable(book.read(one["rule"]["code"], DAY)) for one in filters]
    wanted = {name for one in (*(r.rule for r in rules), *told) for name in one.facts} | {
        "score",
        "household_size",
        "sex",
        "marital",
        "age",
    }
    with tempfile.TemporaryDirectory(prefix="khb-") as folder, Engine(memory_mib=2048, folder=Path(folder)) as engine:
        w = World(Path(folder))
        with w.timed("make the facts"):
            _make(engine, size)
        with w.timed("limit: type the facts"):
            snapshot.type_facts(engine, as_of=DAY, wanted=wanted)
        with w.timed("decide"):
            evaluate.decide_programmes(engine, rules)
        with w.timed("count"):
            counts = evaluate.count_answers(engine, rules)
        with w.timed("filters"):
            reports = evaluate.exclude(engine, filters, book, on=DAY)
        with w.timed("unserved"):
            found = unserved.find_unserved(engine)
            first = engine.table("SELECT * FROM unserved ORDER BY rank LIMIT 100").num_rows
        members = int(engine.value("SELECT count(*) FROM place"))
    t = w.timings
    limit = t["limit: type the facts"]
    figure = round(limit + t["decide"] + t["count"] + t["filters"], 3)
    return {
        "figure": figure, "unit": "s", "limit": limit, "limit_is": "s to type the facts", "ratio": round(figure / limit, 2), "size": size,
        "members": members, "programmes": len(rules), "answers": sum(counts["units"].to_pylist()), "target_s": 30,
        "unserved_s": t["unserved"], "unserved_target_s": 10, "unserved": found["households"], "first_page": first,
        "removed_by_filters": {code: report.get("removed") for code, report in reports.items()},
        "peak_mib": round(peak_mib(), 1), "timings": t,
    }  # fmt: skip


def _rules() -> tuple[list[dict[str, Any]], list[dict[str, Any]], Any]:
    """Return both packs' programmes in force, two more to make twenty, and Pakistan's filters."""
    from khana_country.load import load_document, load_pack
    from khana_methods.rules.rulebook import read_rules

    entries, programmes = [], []
    for country in ("pak", "bgd"):
        pack = load_pack(country)
        for rule in load_document(country, "eligibility")["rules"]:
            entries.append({name: value for name, value in rule.items() if name != "cases"})
            one = pack.programmes.get(rule["code"])
            if one is not None and one.is_in_force(DAY):
                programmes.append(
                    {"programme": one.code, "areas": (), "requires": one.requires, "rule": {"code": one.code}}
                )
    for code, text in MORE.items():
        version = {"valid_from": date(2020, 1, 1), "expression": text, "source": "bench", "mark": "A"}
        entries.append(
            {
                "code": code,
                "name": code,
                "entity": "household",
                "kind": "eligibility",
                "gives": "boolean",
                "versions": [version],
            }
        )
        programmes.append({"programme": code, "areas": (), "requires": "", "rule": {"code": code}})
    filters = [
        {"filter": one.code, "name": one.code, "programmes": list(one.programmes), "rule": {"code": one.code}, "source": "", "withdrawn_from": None}
        for one in load_pack("pak").exclusion_filters if one.code != "LAND"
    ]  # fmt: skip
    return programmes, filters, read_rules(entries)


def _make(engine: Any, size: int) -> None:
    """Make facts as the registry keeps them, one text of JSON a version, by hashes: the same at every run."""
    engine.run(f"""CREATE TABLE household_text AS SELECT n AS household_id,
        'PK.PK' || (hash(n) % 7 + 1) || '.PK' || (hash(n) % 7 + 1) || '0' || (hash(n, 1) % 9) || '.' AS area_path, DATE '2025-03-01' AS survey_date,
        true AS consent, '{{"rooms":' || (hash(n, 2) % 6) || ',"land_owned_acres":' || (hash(n, 3) % 200) / 10.0 || ',"income_month":' || (hash(n, 4) % 60000)
        || ',"income_per_person_year":' || (hash(n, 5) % 90000) || ',"toilet":"' || (['none', 'flush_sewer', 'dry_pit'])[CAST(hash(n, 6) % 3 AS INTEGER) + 1] || '"}}' AS facts
        FROM range({size}) t(n)""")
    engine.run("""CREATE TABLE member_text AS SELECT h.household_id, h.household_id * 10 + k AS person_id, CAST(k AS INTEGER) AS line_no,
        CASE k WHEN 1 THEN 'head' WHEN 2 THEN 'spouse' ELSE 'child' END AS relation, true AS is_present, (['M', 'F'])[CASE WHEN k = 1 THEN 1 WHEN k = 2 THEN 2
        ELSE CAST(hash(h.household_id, k) % 2 AS INTEGER) + 1 END] AS sex, CASE WHEN k <= 2 THEN 'M' ELSE 'S' END AS marital,
        CAST(CASE WHEN k <= 2 THEN 1950 + hash(h.household_id, k, 7) % 50 ELSE 2005 + hash(h.household_id, k, 8) % 21 END AS INTEGER) AS birth_year,
        5 AS birth_month, 1 AS birth_day, DATE '2025-03-01' AS survey_date, '{"is_attending":' || (hash(h.household_id, k, 9) % 2 = 0) || ',"worked":'
        || (k = 1) || ',"activity":"day_labourer","income_year":' || (hash(h.household_id, k, 3) % 30000)
        || ',"current_class":' || (hash(h.household_id, k, 4) % 10 + 1) || CASE WHEN hash(h.household_id, k, 5) % 30 = 0 THEN ',"disability":"walking"' ELSE '' END
        || CASE WHEN hash(h.household_id, k, 6) % 40 = 0 THEN ',"foreign_trips":1' ELSE '' END
        || CASE WHEN hash(h.household_id, k, 1) % 90 = 0 THEN ',"registered_vehicles":1' ELSE '' END || '}' AS facts
        FROM household_text h, range(1, 8) t(k) WHERE k <= 4 + hash(h.household_id) % 4""")
    engine.run("""CREATE TABLE score_in_force AS SELECT household_id, CAST(hash(household_id, 11) % 10001 AS DOUBLE) / 100 AS score FROM household_text
                  WHERE hash(household_id, 12) % 50 > 0""")
    engine.run("""CREATE TABLE place AS SELECT household_id, CAST(household_id AS VARCHAR) AS household_number, person_id, line_no, 1 AS family_no,
        CAST(CASE line_no WHEN 1 THEN 2 WHEN 2 THEN 1 END AS INTEGER) AS spouse_line FROM member_text""")
    engine.run(
        "CREATE TABLE slip AS SELECT household_id, CAST(household_id AS VARCHAR) AS household_number FROM household_text"
    )
    engine.run(
        "CREATE TABLE holding AS SELECT household_id, 'KFL' AS programme FROM household_text WHERE hash(household_id, 13) % 4 = 0"
    )
    engine.run(
        "CREATE TABLE standing AS SELECT household_id, 'wait_listed' AS standing FROM household_text WHERE hash(household_id, 14) % 20 = 0"
    )
    engine.run("""CREATE TABLE reach AS SELECT household_id, hash(household_id, 15) % 10 > 0 AS has_number, hash(household_id, 16) % 3 > 0 AS has_mobile
                  FROM household_text""")
    engine.register(
        "upheld",
        pa.table(
            {
                "filter": pa.array([], pa.string()),
                "household_id": pa.array([], pa.int64()),
                "person_id": pa.array([], pa.int64()),
            }
        ),
    )
