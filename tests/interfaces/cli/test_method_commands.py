"""Models, scores, errors, poverty and rules by the command line on files alone: no registry, no login."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from openpyxl import Workbook
from tests.factories.little_survey import rows, spec, survey

from khana.interfaces.cli.main import main


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("KHANA_TOKEN", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    each = rows()
    with (tmp_path / "survey.csv").open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, each[0])
        writer.writeheader()
        writer.writerows(each)
    pq.write_table(survey(), tmp_path / "survey.parquet")
    book = Workbook()
    page = book.active
    assert page is not None
    page.append(list(each[0]))
    for row in each:
        page.append(list(row.values()))
    book.save(tmp_path / "survey.xlsx")
    (tmp_path / "spec.yaml").write_text(
        yaml.safe_dump(spec(code="LITTLE", benchmark=True, robustness=True)), encoding="utf-8"
    )
    return tmp_path


def run(capfd: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    out, err = capfd.readouterr()
    return int(ended.value.code or 0), out, err


def good(capfd: pytest.CaptureFixture[str], *words: object) -> dict[str, Any]:
    code, out, err = run(capfd, *words, "--json")
    assert code == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


def test_a_model_is_fitted_scored_and_judged(files: Path, capfd: pytest.CaptureFixture[str]) -> None:
    model, card = files / "pmt.yaml", files / "card.html"
    fit = good(
        capfd,
        "models",
        "fit",
        "--survey",
        files / "survey.csv",
        "--spec",
        files / "spec.yaml",
        "--model",
        model,
        "--card",
        card,
    )
    assert fit["n"] == 400
    assert 0 < fit["r2_out_of_sample"] < fit["r2"] < 1
    assert {row["sample"] for row in fit["errors"]} == {"in", "out"}
    assert {row["mode"] for row in fit["errors"]} == {"quantile", "absolute"}
    assert all(row["exclusion_error_se"] > 0 for row in fit["errors"] if 0 < row["exclusion_error"] < 1)
    assert {row["method"] for row in fit["comparison"]} == {
        "ols",
        "wls",
        "quantile",
        "poverty_weighted",
        "gradient-boosted trees",
    }
    assert {row["by"] for row in fit["equity"]} == {"sex of head", "area", "members"}
    assert next(row["without"] for row in fit["robustness"]["variables"]) in ("wall", "size", "tv", "rooms_per_head")
    assert "<script" not in card.read_text(encoding="utf-8")
    for name in ("survey.parquet", "survey.xlsx"):
        again = good(capfd, "models", "fit", "--survey", files / name, "--spec", files / "spec.yaml", "--quick")
        assert again["r2"] == pytest.approx(fit["r2"], abs=1e-9)
        assert again["comparison"] == []
    scored = files / "scored.csv"
    counts = good(
        capfd,
        "score",
        "run",
        "--in",
        files / "survey.csv",
        "--model",
        model,
        "--id",
        "hh",
        "--out",
        scored,
        "--cut-off",
        40,
    )
    assert (counts["households"], counts["scored"], counts["missing"]) == (400, 400, {})
    with scored.open(encoding="utf-8") as handle:
        scores = {row["household_id"]: row for row in csv.DictReader(handle)}
    assert sum(float(row["score"]) <= 40 for row in scores.values()) == counts["at_or_under"]
    both = files / "both.csv"
    with both.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, [*rows()[0], "score", "raw"])
        writer.writeheader()
        writer.writerows({**row, **{name: scores[str(row["hh"])][name] for name in ("score", "raw")}} for row in rows())
    words = [
        "targeting",
        "errors",
        "--in",
        both,
        "--welfare",
        "pcc",
        "--score",
        "raw",
        "--weight",
        "weight",
        "--size",
        "size",
    ]
    design = ["--strata", "stratum", "--psu", "psu"]
    found = good(capfd, *words, *design, "--poor-share", 0.2, "--cutoff", 0.2, "--mode", "quantile")
    card_row = next(r for r in fit["errors"] if (r["poor_share"], r["mode"], r["sample"]) == (0.2, "quantile", "in"))
    for name in ("exclusion_error", "exclusion_error_se", "inclusion_error", "inclusion_error_se", "auc"):
        assert found[name] == pytest.approx(card_row[name], rel=1e-9)
    coarse = {
        ties: good(capfd, *words[:7], "rooms", "--poor-share", 0.5, "--mode", "quantile", "--ties", ties, *key)[
            "coverage"
        ]
        for ties, key in (("split", []), ("all", []), ("none", []), ("key", ["--tie-key", "hh"]))
    }
    assert coarse["none"] < coarse["key"] <= coarse["split"] < coarse["all"]
    drift = good(
        capfd, "models", "drift", model, "--survey", files / "survey.csv", "--welfare", "pcc", "--weight", "weight"
    )
    assert drift["scored"] == 400 and drift["is_drifting"] is False and len(drift["errors"]) == 3
    pairs = good(
        capfd, "incidence", "--in", both, "--welfare", "pcc", "--receipt", "tv", "--receipt", "rooms", "--pairs"
    )
    assert {row["measure"] for row in pairs["rows"]} == {"overlap", "either", "jaccard", "also"}
    absolute = good(capfd, *words, "--line", card_row["line"], "--cutoff", 7.9, "--by", "place")
    assert {row["group"] for row in absolute["rows"]} == {"", "urban", "rural"}


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_a_model_of_several_formulas_survives_its_file(
    files: Path, capfd: pytest.CaptureFixture[str], form: str
) -> None:
    (files / "spec.yaml").write_text(yaml.safe_dump(spec(separate="place")), encoding="utf-8")
    fit, model = files / "fit.json", files / "pmt.yaml"
    code, _, err = run(
        capfd,
        "models",
        "fit",
        "--survey",
        files / "survey.csv",
        "--spec",
        files / "spec.yaml",
        "--model",
        model,
        "--out",
        fit,
    )
    assert code == 0, err
    file = model if form == "yaml" else fit
    counts = good(
        capfd,
        "score",
        "run",
        "--in",
        files / "survey.xlsx",
        "--model",
        file,
        "--out",
        files / "s.parquet",
        "--contributions",
    )
    assert counts["scored"] == 400
    assert "c_wall" in pq.read_table(files / "s.parquet").schema.names
    shown = good(capfd, "models", "import", "--check", model)
    assert {row["part"] for row in shown["rows"]} == {"urban", "rural"}
    code, out, _ = run(capfd, "models", "card", fit)
    assert code == 0
    assert "Known weaknesses" in out


def test_what_the_survey_never_saw_is_counted(files: Path, capfd: pytest.CaptureFixture[str]) -> None:
    model = files / "pmt.yaml"
    run(
        capfd,
        "models",
        "fit",
        "--survey",
        files / "survey.csv",
        "--spec",
        files / "spec.yaml",
        "--quick",
        "--model",
        model,
    )
    (files / "registry.csv").write_text(
        "size,rooms,wall,school,tv\n4,2,glass,none,True\n4,2,,none,maybe\n4,2,mud,none,False\n", encoding="utf-8"
    )
    found = good(capfd, "score", "run", "--in", files / "registry.csv", "--model", model)
    assert found["unseen"] == {"tv": 1, "wall": 1}
    assert found["missing"] == {"wall": 1}
    assert found["scored"] == 3
    (files / "few.csv").write_text("size,rooms\n4,2\n", encoding="utf-8")
    code, _, err = run(capfd, "score", "run", "--in", files / "few.csv", "--model", model)
    assert code == 10
    assert "wall" in err
    for words in (["--cut-off", "200"], ["--as-of", "1990-01-01"]):
        assert run(capfd, "score", "run", "--in", files / "registry.csv", "--model", model, *words)[0] in (10, 14)


def test_poverty_before_and_after_a_transfer(files: Path, capfd: pytest.CaptureFixture[str]) -> None:
    words = [
        "poverty",
        "indices",
        "--in",
        files / "survey.parquet",
        "--welfare",
        "pcc",
        "--weight",
        "weight",
        "--size",
        "size",
    ]
    plain = good(capfd, *words, "--line", 3000)
    y, m = [r["pcc"] for r in rows()], [r["weight"] * r["size"] for r in rows()]
    by_hand = sum(w for x, w in zip(y, m, strict=True) if x < 3000) / sum(m)
    assert plain["headcount"] == pytest.approx(by_hand)
    assert plain["headcount_se"] > 0
    paid = good(capfd, *words, "--poor-share", 0.3, "--transfer", "weight", "--by", "place")
    assert paid["headcount"] < paid["headcount_before"]
    assert any(row["measure"] == "benefit_cost_ratio" and row["group"] == "rural" for row in paid["rows"])
    code, _, err = run(capfd, *words)
    assert code == 10
    assert "--poor-share" in err
    out = files / "poverty.csv"
    assert run(capfd, *words, "--line", 3000, "--out", out)[0] == 0
    assert out.read_text(encoding="utf-8").startswith("measure,value,standard_error")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--mode", "absolute"], "add --cutoff"),
        (["--cutoff", "1"], "Nobody has a score"),
        (["--cutoff", "20", "--mode", "quantile"], "is a share"),
        (["--cutoff", "8", "--welfare", "nowhere"], "no column nowhere"),
    ],
)
def test_a_cut_off_that_says_nothing_is_refused(
    files: Path, capfd: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    said = [
        "targeting",
        "errors",
        "--in",
        files / "survey.csv",
        "--welfare",
        "pcc",
        "--score",
        "pcc",
        "--line",
        "3000",
        *words,
    ]
    code, _, err = run(capfd, *said)
    assert code == 10
    assert told in err


def test_rules_are_checked_evaluated_and_counted(files: Path, capfd: pytest.CaptureFixture[str]) -> None:
    found = good(capfd, "rules", "check", "rooms < 3 and any_member(age >= 65)", "--sql", "spark")
    assert found["gives"] == "boolean"
    assert "SELECT" in found["sql"]
    code, _, err = run(capfd, "rules", "check", "income_month <= amount(10000, 'year', 'household')")
    assert code == 10
    assert "per_year(income_month)" in err
    assert run(capfd, "rules", "check", "(SELECT 1)")[0] == 10
    book = Path(__file__).parents[2] / "spec/rules/pakistan.yaml"
    checked = good(capfd, "rules", "check", book)
    assert checked["cases"] > 0 == checked["disagree"]
    broken = files / "broken.yaml"
    broken.write_text(book.read_text(encoding="utf-8").replace("| holds", "| fails", 1), encoding="utf-8")
    assert run(capfd, "rules", "check", broken)[0] == 12
    rule = "rooms < 3 and any_member(age >= 65)"
    why = good(
        capfd, "rules", "eval", rule, "--facts", "{rooms: 2}", "--member", "{age: 30}", "--member", "{age: null}"
    )
    assert (why["outcome"], why["missing"]) == ("unknown", ["age"])
    assert run(capfd, "rules", "eval", rule, "--facts", "{roms: 2}")[0] == 10
    (files / "h.csv").write_text("hh,n,has_tv\na,2,yes\nb,5,no\nc,,yes\nd,2,\n", encoding="utf-8")
    (files / "m.csv").write_text("hh,age\na,70\nb,70\nc,70\nd,3\n", encoding="utf-8")
    said = ["--households", files / "h.csv", "--key", "hh", "--column", "rooms=n"]
    counts = good(capfd, "rules", "count", rule, *said, "--members", files / "m.csv")
    assert (counts["holds"], counts["fails"], counts["unknown"]) == (1, 2, 1)
    counts = good(capfd, "rules", "count", "has_tv", *said)
    assert (counts["holds"], counts["fails"], counts["unknown"]) == (2, 1, 1)
    assert run(capfd, "rules", "count", rule, *said)[0] == 10
    assert run(capfd, "rules", "count", "rooms < 3", "--households", files / "h.csv", "--key", "hh")[0] == 10


def test_a_community_validates_a_file(files: Path, capfd: pytest.CaptureFixture[str]) -> None:
    scores = files / "scores.csv"
    scores.write_text("hh,village,pmt\n1,=A1,10\n2,=A1,31\n3,=A1,33\n4,b,60\n", encoding="utf-8")
    words = ["--in", scores, "--id", "hh", "--score", "pmt", "--area", "village", "--cut-off", 32]
    listed = files / "list.csv"
    assert run(capfd, "validation", "draw", *words, "--out", listed)[0] == 0
    assert oct(listed.stat().st_mode & 0o777) == "0o600"
    with listed.open(encoding="utf-8") as handle:
        lines = list(csv.DictReader(handle))
    assert [(row["area"], row["household"], row["proposed"]) for row in lines] == [
        ("'=A1", "1", "yes"), ("'=A1", "2", "yes"), ("'=A1", "3", "reserve"),
    ]  # fmt: skip
    returned = files / "returned.csv"
    returned.write_text("household,verdict\n1,in need\n2,not in need\n3,yes\n", encoding="utf-8")
    done = good(capfd, "validation", "settle", *words, "--list", returned)
    assert [row["outcome"] for row in done["rows"]] == ["SELECTED", "DROPPED", "ADDED"]
    returned.write_text("household,verdict\n1,perhaps\n", encoding="utf-8")
    assert run(capfd, "validation", "settle", *words, "--list", returned)[0] == 10
