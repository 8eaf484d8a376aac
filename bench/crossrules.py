"""The dry run of a new cap over the benefits of a country, beside reading the rows that it is tried on.

Size: benefit rows; every recipient draws one, two or three cash programmes, and the new cap is two. The rows are written straight
into the tables. The figure is the whole of `khana crossrules dry-run`: read, try, keep every stop; the limit is reading the same
rows out of the database. `stops` are the benefits that would stop.
"""

from __future__ import annotations

from typing import Any

from bench._officers import superuser
from bench._world import peak_mib, world

SIZE = 3_000_000
PROGRAMMES = 3
_FILL = (
    """INSERT INTO geo_area (country, scheme, code, level, path, name, names, aliases, valid_from)
       SELECT 'pak', 'bench', 'D' || n, 2, 'PK.P' || n % 5 || '.D' || n || '.', 'D' || n, '{}', '[]', '2000-01-01' FROM generate_series(0, 149) n""",
    """INSERT INTO programmes_programme (code, name, names, agency, benefit_type, counts_to_cap, sex, poverty_targeted,
              one_per_household, requires, incompatible_with, areas, amounts, rule, target_group, source, recorded_at,
              unit, frequency, owner, budget_head, conditions, eligibility)
       SELECT 'P' || n, 'P' || n, '{}', 'A' || n, 1, true, '', true, false, '', '[]', '[]', '[]', '', '', '', now(),
              'person', '', '', '', '[]', '{}' FROM generate_series(1, 3) n
       ON CONFLICT DO NOTHING""",
    """INSERT INTO registry_person (id, area_path, created_at) SELECT n, 'PK.P' || n % 5 || '.D' || n % 150 || '.', now()
       FROM generate_series(1, {recipients}) n""",
    """INSERT INTO registry_personversion (person_id, area_path, valid_from, recorded_at, name, name_native, guardian_name, sex, birth_year,
              marital, facts)
       SELECT id, area_path, '2020-01-01', now(), '', '', '', CASE id % 2 WHEN 0 THEN 'F' ELSE 'M' END, 1980, 'M', '{}' FROM registry_person""",
    """INSERT INTO beneficiaries_run (id, state, started_at, ended_at, actor_id, parameters, inputs, summary)
       VALUES (1, 'DONE', now(), now(), 1, '{"poor_cutoff": 32}', '{}', '{}')""",
    """INSERT INTO beneficiaries_recipient (run_id, id_token, person_id, household_number, line_no, area_path, agencies, programmes,
              cash_programmes, is_over_cap, rows, amount, score, is_well_off)
       SELECT 1, sha256(n::text::bytea), n, 'H' || n / 2, 1, 'PK.P' || n % 5 || '.D' || n % 150 || '.', '[]',
              (SELECT jsonb_agg('P' || k) FROM generate_series(1, 1 + n % 3) k), 1 + n % 3, n % 3 = 2, 1 + n % 3, 100, n % 100, false
       FROM generate_series(1, {recipients}) n""",
    """INSERT INTO beneficiaries_benefit (batch_id, source_code, agency, file_name, sheet, line, programme, period, period_start, period_end,
              area_code, area_path, id_raw_state, id_type, id_token, name, guardian_name, sex, payee_id_raw_state, payee_name, amount, notes, facts)
       SELECT k, 'S' || k, 'A' || k, 'f', '', n, 'P' || k, '2026Q1', '2026-01-01', '2026-03-31', '', 'PK.', 'OK', 'CNIC', sha256(n::text::bytea),
              '', '', '', '', '', 1000 * k + n % 7, '[]', '{}'
       FROM generate_series(1, {recipients}) n, generate_series(1, 1 + n % 3) k""",
)


def run(size: int) -> dict[str, Any]:
    with world() as w:
        from khana.access import services as access
        from khana.beneficiaries import frames
        from khana.platform.frames import open_source
        from khana.workflows import try_cross_rules
        from khana_methods.overlap.cross_rules import parse_cross_rules

        with (
            w.timed("write the rows"),
            superuser() as past_policies,
        ):
            past_policies.execute("SET session_replication_role = replica")
            for statement in _FILL:
                past_policies.execute(statement.replace("{recipients}", str(size // 2)))
            past_policies.execute("VACUUM ANALYZE")
        with w.timed("limit: read the rows"), access.scoped(w.token), open_source() as source:
            read = sum(batch.num_rows for batch in frames.drawn_frame(source, run_id=1))
            read += sum(batch.num_rows for batch in frames.drawn_amount_frame(source))
        rules = parse_cross_rules([
            {"code": "cap-2", "kind": "cap", "most": 2, "keep": "value", "valid_from": "2026-01-01", "source": "a bench"}
        ])  # fmt: skip
        with w.timed("dry run"):
            done = try_cross_rules.run(token=w.token, rules=rules, at=w.now(), memory_mib=2048)
        figure, limit = w.timings["dry run"], w.timings["limit: read the rows"]
        return {
            "figure": figure, "unit": "s", "limit": limit, "limit_is": "s to read the rows", "ratio": figure / limit, "size": size,
            "rows_read": read, "benefits": done["benefits"], "stops": done["benefits_stopped"],
            "peak_mib": round(peak_mib(), 1), "timings": w.timings,
        }  # fmt: skip
