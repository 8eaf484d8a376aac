"""Commands on survey files: one JSON object, tables by the name of the file, exit codes; nothing asks a database."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from khana.interfaces.cli.main import khana
from khana_methods.errors import InputError

API = Path(__file__).parents[2] / "reference" / "r_survey"
DESIGN = "weight=pw,strata=stype,fpc=fpc"


def run(*words: object) -> str:
    done = CliRunner().invoke(khana, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_mean_by_domain_as_json_and_in_words() -> None:
    words = (
        "survey",
        "estimate",
        "--in",
        API / "apistrat.csv",
        "--design",
        DESIGN,
        "--of",
        "mean",
        "api00",
        "--by",
        "stype",
    )
    found = json.loads(run(*words, "--json"))
    assert [row["level"] for row in found["rows"]] == ["E", "H", "M"]
    assert found["rows"][0]["estimate"] == pytest.approx(674.43)
    assert "200 units in 3 strata" in run(*words)


@pytest.mark.parametrize("kind", ["csv", "parquet", "xlsx", "json"])
def test_rows_go_into_the_file_that_is_named(kind: str, tmp_path: Path) -> None:
    out = tmp_path / f"t.{kind}"
    run("survey", "estimate", "--in", API / "apiclus1.csv", "--design", "weight=pw,psu=dnum,fpc=fpc", "--of", "ratio",
        "api.stu", "enroll", "--out", out)  # fmt: skip
    assert out.stat().st_size > 100 and out.stat().st_mode & 0o077 == 0
    if kind == "csv":
        with out.open() as handle:
            assert float(next(csv.DictReader(handle))["estimate"]) == pytest.approx(0.8497, abs=1e-3)
    if kind == "parquet":
        assert pq.read_table(out).column("n").to_pylist() == [183]


def test_a_logit_as_a_formula() -> None:
    found = json.loads(
        run("survey", "estimate", "--in", API / "apistrat.csv", "--design", DESIGN, "--of", "logit", "sch.wide=Yes ~ ell + meals + C(stype)",
            "--json")
    )  # fmt: skip
    assert [row["term"] for row in found["rows"]] == ["constant", "ell", "meals", "stype=H", "stype=M"]


def test_a_study_of_files_with_lists_and_a_registry(tmp_path: Path) -> None:
    lines = ["w,s,u,size,nid,province", *(f"10,{k // 30},{k // 5},4,61101{k:07d}1,{'ab'[k // 30]}" for k in range(60))]
    (tmp_path / "survey.csv").write_text("\n".join(lines))
    (tmp_path / "registry.csv").write_text("\n".join(["cnic", *(f"61101-{k:07d}-1" for k in range(45))]))
    (tmp_path / "census.csv").write_text("province,households\na,300\nb,100\n")
    (tmp_path / "counts.csv").write_text("province,households\na,310\nb,90\n")
    (tmp_path / "study.yaml").write_text(
        "weight: w\nstrata: s\npsu: u\nsize: size\nmatch: {id_number: nid}\ndomains: [province]\npoststrata: [province]\n"
    )
    found = json.loads(
        run("coverage", "study", "--survey", tmp_path / "survey.csv", "--design", tmp_path / "study.yaml", "--registry",
            tmp_path / "registry.csv", "--registry-columns", "id_number=cnic", "--census", tmp_path / "census.csv",
            "--registry-counts", tmp_path / "counts.csv", "--json")
    )  # fmt: skip
    assert found["registered"] == 45
    assert list(found["rows"][0]) == [
        "domain",
        "level",
        "estimator",
        "weight",
        "estimate",
        "se",
        "lower",
        "upper",
        "n",
        "note",
    ]
    told = {(r["domain"], r["level"], r["estimator"], r["weight"]): r for r in found["rows"]}
    assert told["all", "all", "registered_share", "household"]["estimate"] == 0.75
    assert told["province", "a", "registered_share", "household"]["upper"] == 1.0
    assert told["province", "b", "missing", "population"]["estimate"] == 600
    assert told["province", "a", "census_ratio", "none"]["note"].startswith("ALARM")
    assert len(found["alarms"]) == 1


def test_incidence_on_a_file(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("\n".join(["y,kfl", *(f"{k},{int(k < 4)}" for k in range(1, 11))]))
    found = json.loads(
        run(
            "incidence",
            "--in",
            tmp_path / "s.csv",
            "--welfare",
            "y",
            "--receipt",
            "kfl",
            "--welfare-is",
            "before",
            "--json",
        )
    )
    told = {(r["group"], r["measure"]): r["estimate"] for r in found["rows"]}
    assert told["1", "coverage"] == 1.0 and told["5", "coverage"] == 0.0


def test_a_misspelt_design_names_the_nearest_word() -> None:
    with pytest.raises(InputError, match="Did you mean weight"):
        run("survey", "estimate", "--in", API / "apistrat.csv", "--design", "wieght=pw", "--of", "mean", "api00")
