"""pk-sample in the shapes of matching: registry, authority, subscribers, list rows, and the true pairs.

Reads the files with DuckDB and list rows under the contracts of `tests/data/pk-sample`. Truth is read by
functions of its own: nothing of it goes into a model.
"""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from khana_methods.matching.prepare import linkage_frame

CONTRACTS = Path(__file__).resolve().parents[1] / "tests" / "data" / "pk-sample"

_REGISTRY = """
WITH h AS (SELECT household_id, province_code, district_code, tehsil_code, regexp_replace(coalesce(contact_mobile, ''), '[^0-9]', '', 'g') AS con FROM read_csv('{pk}/households.csv', all_varchar=true)),
p AS (SELECT *, line_no::INT AS ln, regexp_replace(coalesce(id_number, ''), '[^0-9]', '', 'g') AS num,
    regexp_replace(coalesce(mobile, ''), '[^0-9]', '', 'g') AS mob FROM read_csv('{pk}/persons.csv.gz', all_varchar=true)
    SEMI JOIN (SELECT household_id FROM h WHERE {where}) USING (household_id)),
kin AS (SELECT a.household_id, a.ln, list(b.name) AS names, list(b.num) FILTER (b.num <> '') AS nums
    FROM p a JOIN p b ON a.household_id = b.household_id AND b.ln <> a.ln AND (
        b.ln IN (try_cast(a.spouse_line AS INT), try_cast(a.father_line AS INT), try_cast(a.mother_line AS INT))
        OR a.ln IN (try_cast(b.spouse_line AS INT), try_cast(b.father_line AS INT), try_cast(b.mother_line AS INT)))
    GROUP BY ALL)
SELECT p.household_id || '/' || p.ln AS record_id, 'REGISTRY' AS side, p.household_id, coalesce(name, '') AS name,
    coalesce(name_urdu, '') AS native_name, coalesce(father_husband_name, '') AS guardian_name,
    CASE WHEN sex = '1' OR marital IN ('1', '5') THEN 'F' WHEN marital = '2' THEN 'H' ELSE '' END AS guardian_kind,
    CASE sex WHEN '1' THEN 'M' WHEN '2' THEN 'F' ELSE 'O' END AS sex,
    try_cast(split_part(dob, '-', 1) AS INT) AS birth_year, try_cast(split_part(dob, '-', 2) AS INT) AS birth_month,
    try_cast(split_part(dob, '-', 3) AS INT) AS birth_day, num AS number,
    CASE WHEN mob <> '' THEN '+92' || ltrim(mob, '0') ELSE '' END AS mobile,
    CASE WHEN con <> '' THEN '+92' || ltrim(con, '0') ELSE '' END AS household_mobile, district_code, tehsil_code,
    coalesce(kin.names, []) AS kin_names, coalesce(kin.nums, []) AS kin_numbers
FROM p JOIN h USING (household_id) LEFT JOIN kin USING (household_id, ln)
"""
_AUTHORITY = """
SELECT regexp_replace(cnic, '[^0-9]', '', 'g') AS number, coalesce(name, '') AS name, coalesce(father_name, '') AS father_name,
    coalesce(husband_name, '') AS husband_name, dob::DATE AS birth_date, coalesce(father_cnic, '') AS father_number,
    coalesce(spouse_cnic, '') AS spouse_number FROM read_csv('{pk}/national_id_register.csv.gz', all_varchar=true)
"""
_SUBSCRIBERS = """
SELECT '+92' || ltrim(regexp_replace(mobile, '[^0-9]', '', 'g'), '0') AS mobile,
    regexp_replace(cnic, '[^0-9]', '', 'g') AS number FROM read_csv('{pk}/sim_register.csv', all_varchar=true)
"""


def registry(pk: Path, where: str = "true") -> pa.Table:
    """Return registered persons; `where` is SQL over household_id, province_code, district_code, tehsil_code."""
    return duckdb.connect().sql(_REGISTRY.format(pk=pk, where=where)).to_arrow_table()


def authority(pk: Path) -> tuple[pa.Table, pa.Table]:
    """Return the identity authority's numbers and the telephone subscribers."""
    connection = duckdb.connect()
    return tuple(connection.sql(sql.format(pk=pk)).to_arrow_table() for sql in (_AUTHORITY, _SUBSCRIBERS))  # type: ignore[return-value]


def true_pairs(pk: Path) -> set[tuple[str, str]]:
    """Return every pair of records of one person."""
    records = defaultdict(list)
    with gzip.open(pk / "truth" / "person_keys.csv.gz", "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            records[row["person"]].append(f"{row['household_id']}/{row['line_no']}")
    return {(a, b) for group in records.values() for a in group for b in group if a < b}


def second_registrations(pk: Path) -> list[tuple[str, str, str]]:
    """Return first record, second record and slips of each planted second registration."""
    with (pk / "truth" / "duplicate_persons.csv").open(encoding="utf-8") as lines:
        return [
            (f"{r['household_id']}/{r['line_no']}", f"{r['copy_household_id']}/{r['copy_line_no']}", r["slips"])
            for r in csv.DictReader(lines)
        ]


def true_rows(pk: Path) -> dict[str, set[str]]:
    """Return for each list row the records of its true beneficiary; empty where she is on no form."""
    records = defaultdict(set)
    with gzip.open(pk / "truth" / "person_keys.csv.gz", "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            records[row["person"]].add(f"{row['household_id']}/{row['line_no']}")
    with gzip.open(pk / "truth" / "list_rows.csv.gz", "rt", encoding="utf-8") as lines:
        return {
            f"{r['file']}|{r['sheet']}|{r['line']}": records.get(r["beneficiary"], set()) for r in csv.DictReader(lines)
        }


def list_rows(pk: Path, *, broken_only: bool = True) -> pa.Table:
    """Return rows of the six lists whose beneficiary's number is missing or malformed (or all rows)."""
    from khana.deliveries.contracts.loading import load_contract, load_manifest
    from khana.deliveries.reading.read import read
    from khana_country.load import pack_folder
    from khana_methods.standardise.identifiers import IdentifierRules

    manifest = load_manifest(CONTRACTS / "sample.yaml")
    identifiers = IdentifierRules.load(pack_folder("pak") / "identifiers.yaml")
    areas = _areas(pk, manifest)
    found: list[dict[str, Any]] = []
    for source in manifest.sources:
        for name in source.files:
            contract = load_contract(CONTRACTS / source.contract)
            for chunk in read(pk / name, contract, identifiers=identifiers, areas=areas):
                for row in chunk.rows.to_pylist():
                    if not broken_only or row["beneficiary_id_number_state"] != "OK":
                        found.append(_row(Path(name).name, row))
    return pa.Table.from_pylist(found, schema=linkage_frame)


def _row(file: str, row: dict[str, Any]) -> dict[str, Any]:
    has_payee = row.get("payee_id_number_state", "") != "" or bool(row.get("payee_name"))
    area = row.get("area_code") or ""
    name = row.get("beneficiary_name") or ""
    is_own = bool(not has_payee or not name)
    return {
        "record_id": f"{file}|{row['sheet']}|{row['line']}",
        "side": "LIST",
        "household_id": "",
        "name": name or row.get("payee_name") or "",
        "native_name": "",
        "guardian_name": row.get("beneficiary_guardian_name")
        or (row.get("payee_guardian_name") if not is_own else "")
        or "",
        "guardian_kind": "",
        "sex": {"M": "M", "F": "F"}.get(row.get("beneficiary_sex") or "", ""),
        "birth_year": row.get("beneficiary_birth_date_year"),
        "birth_month": row.get("beneficiary_birth_date_month"),
        "birth_day": row.get("beneficiary_birth_date_day"),
        "number": row.get("beneficiary_id_number") or "",
        "mobile": (row.get("mobile_number") or "") if is_own else "",
        "household_mobile": row.get("mobile_number") or "",
        "district_code": area[:5],
        "tehsil_code": area if len(area) > 5 else "",
        "kin_names": [row["payee_name"]] if not is_own and row.get("payee_name") else [],
        "kin_numbers": [row["payee_id_number"]] if not is_own and row.get("payee_id_number") else [],
    }


def _areas(pk: Path, manifest: Any) -> Any:
    """Make a resolver from the boundary files and the pack's area names."""
    import json

    from khana_methods.standardise.areas import AreaName, AreaResolver

    names = []
    for one in manifest.areas.files:
        document = json.loads((pk / one.file).read_text(encoding="utf-8"))
        for feature in document["features"]:
            properties = feature["properties"]
            code = properties[one.code]
            parent = code[: one.parent_prefix] if one.parent_prefix else ""
            names.append(AreaName(code, one.level, parent, (properties[one.name],)))
    return AreaResolver(names)
