"""The compatibility study of one source and the ranking of what to connect next."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date

import pytest
from tests.unit.khana_methods.overlap.worlds import benefit, claim, fill, issued, token

from khana_methods.engine.duckdb import Engine
from khana_methods.overlap.onboarding import Candidate, rank_unconnected
from khana_methods.overlap.study import ColumnCount, SourceEmpty, study_source


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(memory_mib=256, threads=1) as one:
        yield one


def test_shares_levels_and_what_to_fix(engine: Engine) -> None:
    rows = [benefit(n, who=f"p{n}", area_code="X1", birth_year=1990) for n in range(1, 9)]
    rows += [benefit(9), benefit(10, who="p8", area_code="X1"), benefit(11, "PBM", who="other")]
    fill(
        engine,
        benefit=rows,
        national_id=[issued(f"p{n}") for n in range(1, 9)],
        identifier=[claim(f"p{n}", n, n) for n in range(1, 5)],
    )
    study = study_source(engine, source="source-KFL", as_of=date(2026, 9, 30), due_days=92, quarantined=1)
    assert study.rows == 10
    assert study.shares["share_usable_identifier"] == 0.9
    assert study.shares["share_unique"] == pytest.approx(7 / 9)
    assert study.shares["share_in_national_id_extract"] == 1.0
    assert study.shares["share_in_population_register"] is None
    assert study.shares["share_in_household_registry"] == pytest.approx(4 / 9)
    assert study.shares["share_area_matched"] == 0.9
    assert (study.days_late, study.shares["share_fresh"]) == (0, 1.0)
    assert study.levels["share_unique"] == "latent"
    assert study.verdict == "latent"
    assert study.fixes[0].measure == "share_in_household_registry"
    assert study.fixes[0].rows == 5
    born = next(column for column in study.columns if column.column == "beneficiary_birth_date")
    assert born.as_dict() == {"column": "beneficiary_birth_date", "share_filled": 0.8, "share_valid": 1.0}
    json.dumps(study.as_dict())


def test_a_good_source_is_advanced_and_has_nothing_to_fix(engine: Engine) -> None:
    rows = [benefit(n, who=f"p{n}", area_code="X1", payee_id_state="OK", payee_token=token("m")) for n in range(1, 5)]
    areas = [{"area_code": "X1", "parent_code": "", "level": 0}]
    people = [issued(f"p{n}") for n in range(1, 5)]
    fill(
        engine, benefit=rows, national_id=people, resident=[{"token": token(f"p{n}")} for n in range(1, 5)], area=areas
    )
    names = ColumnCount("beneficiary_name", 4, 4, 4)
    study = study_source(engine, source="source-KFL", as_of=date(2026, 6, 30), columns=[names])
    assert (study.verdict, study.fixes, study.shares["share_fresh"]) == ("advanced", (), None)
    assert study.columns[-1] == names


def test_a_source_without_rows_cannot_be_studied(engine: Engine) -> None:
    fill(engine)
    with pytest.raises(SourceEmpty):
        study_source(engine, source="none", as_of=date(2026, 6, 30))


def test_ranking_of_what_to_connect() -> None:
    catalogue = [
        Candidate("WORK", counts_to_cap=False, poverty_targeted=True),
        Candidate("SMALL", counts_to_cap=True, poverty_targeted=True, is_tied=True, beneficiaries=10),
        Candidate("LARGE", counts_to_cap=True, poverty_targeted=True, is_tied=True, beneficiaries=1000),
        Candidate("KNOWN", counts_to_cap=True, poverty_targeted=True),
    ]
    ranked = rank_unconnected(catalogue, {"KNOWN"})
    assert [(one.rank, one.code) for one in ranked] == [(1, "LARGE"), (2, "SMALL"), (3, "WORK")]
    assert ranked[2].reasons == ("POVERTY_TARGETED",)
