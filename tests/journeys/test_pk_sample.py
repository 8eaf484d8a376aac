"""The main job on the Pakistani sample: real household skeletons, messy lists, row-level truth.

Everything is started as its user would: the manifest is loaded, `consolidate` runs, the findings
report is written, and the file is held against the truth, to the row.
"""

from __future__ import annotations

import csv
import json
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.conftest import REPOSITORY
from tests.journeys.database_state import rows
from tests.journeys.truth import DECIDED, Key, Planted, judge, khana, read_findings, read_planted, rows_of

from khana.access import services as access
from khana.beneficiaries.services import trials
from khana.workflows import try_cross_rules

pytestmark = pytest.mark.shared_data

MANIFEST = REPOSITORY / "tests" / "data" / "pk-sample" / "sample.yaml"


@pytest.fixture(scope="module")
def consolidated(database: str, tokens, pk_sample: Path) -> tuple[str, str]:
    """Load the whole set and consolidate it; return token and database."""
    token = tokens("data_steward")
    khana("sample", "load", str(MANIFEST), "--data", str(pk_sample), "--json", token=token, database=database)
    khana("consolidate", "--json", token=token, database=database)
    return token, database


@pytest.fixture(scope="module")
def findings(consolidated: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[Key]]:
    """Return the findings report by code."""
    token, database = consolidated
    out = tmp_path_factory.mktemp("report") / "findings.csv"
    khana("report", "findings", "--format", "csv", "--out", str(out), token=token, database=database)
    return read_findings(out)


@pytest.fixture(scope="module")
def planted(pk_sample: Path) -> Planted:
    """Return the truth."""
    return read_planted(pk_sample / "truth" / "planted.csv")


@pytest.mark.parametrize("code", DECIDED)
def test_precision_and_recall(code: str, findings: dict[str, set[Key]], planted: Planted) -> None:
    verdict = judge(code, findings, planted)
    print(verdict)
    assert verdict.true > 0
    assert verdict.precision >= 0.99, verdict.too_many
    assert verdict.recall >= 0.99, verdict.too_few


def test_nothing_is_lost(consolidated: tuple[str, str], pk_sample: Path) -> None:
    """Rows in = linked + unmatched + quarantined, to the row, and every malformed row is in quarantine."""
    token, database = consolidated
    listed: dict[str, int] = defaultdict(int)
    malformed: set[Key] = set()
    for row in rows_of(pk_sample / "truth" / "list_rows.csv.gz"):
        listed[row["file"]] += 1
        if "ROW_MALFORMED" in row["codes"].split():
            malformed.add((row["file"], row["sheet"], int(row["line"])))
    rows = json.loads(khana("report", "quarantine", "--json", token=token, database=database))["rows"]
    held = {(row["file"], row["sheet"], int(row["line"])) for row in rows if row["file"] in listed}
    assert held == malformed
    counts = json.loads(khana("consolidate", "--json", token=token, database=database))
    assert counts["rows"] == counts["linked"] + counts["unmatched"]
    assert counts["rows"] + len(held) == sum(listed.values())


def test_the_same_set_twice_changes_nothing(consolidated: tuple[str, str], pk_sample: Path) -> None:
    token, database = consolidated
    again = json.loads(
        khana("sample", "load", str(MANIFEST), "--data", str(pk_sample), "--json", token=token, database=database)
    )
    states = {name: part["state"] for name, part in again.items() if isinstance(part, dict) and "state" in part}
    assert states
    assert set(states.values()) == {"UNCHANGED"}


def test_persons_over_the_cap_are_those_that_numbers_show(
    consolidated: tuple[str, str], pk_sample: Path, tmp_path: Path
) -> None:
    token, database = consolidated
    out = tmp_path / "cap.csv"
    khana("report", "cap", "--format", "csv", "--out", str(out), token=token, database=database)
    with out.open(encoding="utf-8-sig", newline="") as handle:
        found = sum(1 for _ in csv.DictReader(handle))
    shown = sum(
        1
        for row in rows_of(pk_sample / "truth" / "cash_programmes.csv")
        if row["cash_by_one_number"] and int(row["cash_by_one_number"]) > 3
    )
    assert shown * 0.99 <= found <= shown * 1.1


# --- rules between programmes: each planted case to the person, and the effect as it was tried -----------

EXCLUSIONS = [
    {"code": f"ZKT-{other}", "kind": "exclude", "programmes": ["ZKT", other], "valid_from": "2024-01-01", "source": "catalogue"}
    for other in ("PBM", "PWP")
]  # fmt: skip
CAP = {"code": "cap-3", "kind": "cap", "most": 3, "valid_from": "2024-01-01", "source": "catalogue"}
TRIED_AT = datetime(2024, 11, 2, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def payees(consolidated: tuple[str, str], pk_sample: Path) -> dict[int, set[str]]:
    """Return the true person behind each recipient of the last run: whose rows she draws most; all of them where several do."""
    _, database = consolidated
    true = {
        (row["file"], row["sheet"], int(row["line"])): row["payee"] or row["beneficiary"]
        for row in rows_of(pk_sample / "truth" / "list_rows.csv.gz")
    }
    drawn: dict[int, Counter[str]] = defaultdict(Counter)
    for recipient, file, sheet, line in rows(
        database,
        """WITH known AS (
               SELECT r.id, r.id_token AS token FROM beneficiaries_recipient r WHERE r.run_id = (SELECT max(id) FROM beneficiaries_run)
               UNION SELECT r.id, i.token FROM beneficiaries_recipient r JOIN registry_identifier i ON i.person_id = r.person_id
               WHERE r.run_id = (SELECT max(id) FROM beneficiaries_run) AND i.retired_at IS NULL)
           SELECT k.id, b.file_name, b.sheet, b.line FROM known k JOIN beneficiaries_benefit b
           ON k.token = CASE WHEN b.payee_id_raw_state = '' THEN b.id_token ELSE b.payee_id_token END""",
    ):
        drawn[recipient][true[file, sheet, line]] += 1
    return {
        recipient: {person for person, count in people.items() if count == max(people.values())}
        for recipient, people in drawn.items()
    }


@pytest.mark.parametrize(
    ("code", "rules"), [("CAP_EXCEEDED", [CAP]), ("OTHER_PROGRAMME_CONFLICT", EXCLUSIONS)], ids=("cap", "exclusions")
)
def test_a_dry_run_finds_the_planted_cases_to_the_person(
    code: str,
    rules: list[dict[str, object]],
    consolidated: tuple[str, str],
    payees: dict[int, set[str]],
    pk_sample: Path,
) -> None:
    token, database = consolidated
    found = try_cross_rules.run(token=token, rules=rules, on=TRIED_AT.date(), at=TRIED_AT, memory_mib=512)
    stopped = rows(database, f"SELECT DISTINCT recipient_id FROM beneficiaries_stop WHERE trial_id = {found['trial']}")
    losing = [payees[recipient] for (recipient,) in stopped]
    true = {
        (row["file"], row["sheet"], int(row["line"])): row["payee"] or row["beneficiary"]
        for row in rows_of(pk_sample / "truth" / "list_rows.csv.gz")
    }
    shown, unseen = set(), set()
    for row in rows_of(pk_sample / "truth" / "planted.csv"):
        if row["code"] == code:
            person = true[row["file"], row["sheet"], int(row["line"])]
            (shown if row["detail"].endswith(";by_number") else unseen).add(person)
    too_few = shown - set().union(*losing)
    too_many = [people for people in losing if people.isdisjoint(shown | unseen)]
    print(
        code,
        len(shown),
        len(losing),
        "too few",
        too_few,
        "too many",
        too_many,
        "shared",
        [p for p in losing if len(p) > 1],
    )
    assert len(shown) > 100
    assert not too_few, "each case that the numbers show loses something"
    assert not too_many, "and nobody else does"


def test_the_effect_is_the_dry_run_to_the_row(consolidated: tuple[str, str], tokens) -> None:
    token, database = consolidated
    made = try_cross_rules.run(token=token, rules=[*EXCLUSIONS, CAP], on=TRIED_AT.date(), at=TRIED_AT, memory_mib=512)
    with access.scoped(tokens("administrator")):
        trials.approve_trial(trial_id=made["trial"], at=TRIED_AT)
    with access.scoped(token):
        assert trials.give_notice(trial_id=made["trial"], at=TRIED_AT)["notices"] == made["benefits_stopped"] > 200
        done = trials.apply_trial(trial_id=made["trial"], at=TRIED_AT + timedelta(days=31))
    assert done["is_as_tried"] and done["effective"] == made["benefits_stopped"]
    planned = rows(
        database,
        "SELECT DISTINCT programme, encode(id_token, 'hex') FROM beneficiaries_stop WHERE id_token IS NOT NULL"
        f" AND trial_id = {made['trial']}",
    )
    left = rows(
        database, "SELECT programme, encode(id_token, 'hex') FROM beneficiaries_enrolment WHERE state = 'EXITED'"
    )
    assert sorted(planned) == sorted(left)
    kept = rows(database, f"SELECT stops_sha256 = effect_sha256 FROM beneficiaries_trial WHERE id = {made['trial']}")
    assert kept == [(True,)]
