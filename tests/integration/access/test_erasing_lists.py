"""Lists and their files go by rule, step by step; what is in force, held or needed stays, and what went is known again by its hash."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from khana.access import retention, services, tombstones
from khana.audit import services as audit
from khana.beneficiaries.services import record_run, sources
from khana.deliveries import selectors as deliveries
from khana.deliveries.batches import batches_of
from khana.deliveries.services import DeliveryErased, register_contract
from khana.platform import files, keys
from khana.platform.progress import Cancelled
from khana.workflows import erase_over, import_file
from khana_methods.errors import InputError

NOW = datetime.now(UTC)
CSV = {"format": "csv", "encoding": "utf-8", "delimiter": ","}
CONTRACTS: dict[str, dict[str, Any]] = {
    "benefit": {
        "code": "e-list", "entity": "benefit", "country": "pak", "agency": "A", "file": CSV,
        "facts": {"beneficiary_id_number": "cnic", "beneficiary_name": "name", "amount": "amount", "period": "quarter",
                  "programme": {"constant": "R1"}},
    },
    "two": {
        "code": "e-two", "entity": "benefit", "country": "pak", "agency": "A", "file": CSV,
        "facts": {"beneficiary_id_number": "cnic", "beneficiary_name": "name", "amount": "amount", "period": "quarter",
                  "programme": "scheme"},
    },
    "identity": {
        "code": "e-identities", "entity": "identity", "country": "pak", "file": CSV, "date_order": "dmy",
        "facts": {"id_number": "number", "name": "name", "sex": "sex", "birth_date": "born"},
    },
}  # fmt: skip


def years_ago(years: float) -> datetime:
    return NOW - timedelta(days=int(365.25 * years))


def number(n: int) -> str:
    return f"61101-{n:07d}-1"


def token_of(n: int) -> bytes:
    return keys.token("PK", number(n).replace("-", ""))


@dataclass
class Desk:
    """A steward who brings files, an officer who lets them go, and the database from behind."""

    folder: Path
    steward: str
    officer: str
    root: psycopg.Connection[Any]

    def bring(self, name: str, text: str, *, years: float, source: str = "E-LIST", entity: str = "benefit",
              replaces: int | None = None) -> int:  # fmt: skip
        path = self.folder / name
        path.write_text(text)
        body = CONTRACTS["two" if source == "E-TWO" else entity]
        done = import_file.run(token=self.steward, path=path, entity=entity, contract=body["code"], source=source, replaces=replaces,
                               at=years_ago(years))  # fmt: skip
        return int(done["batch"])

    def quarter(self, name: str, quarter: str, people: range, **more: Any) -> int:
        rows = "".join(f"{number(n)},Amna Bibi {n},5000,{quarter}\n" for n in people)
        return self.bring(name, f"cnic,name,amount,quarter\n{rows}{more.pop('also', '')}", **more)

    def behind(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        self.root.execute("SET session_replication_role = replica")
        done = self.root.execute(statement, values)  # type: ignore[arg-type]
        found = done.fetchall() if done.description else []
        self.root.execute("SET session_replication_role = origin")
        return found

    def rows(self, batch: int) -> list[int]:
        found = self.root.execute("SELECT line FROM beneficiaries_benefit WHERE batch_id = %s ORDER BY line", [batch])
        return [line for (line,) in found]

    def content(self, batch: int) -> Path:
        ((sha256,),) = self.root.execute(
            "SELECT f.sha256 FROM deliveries_batch b JOIN platform_storedfile f ON f.id = b.file_id WHERE b.id = %s",
            [batch],
        ).fetchall()
        return files.path_of(sha256)

    def erase(self) -> dict[str, int]:
        return {rule: rows for rule, rows in erase_over.run(token=self.officer, at=NOW).items() if rows}

    def stones(self) -> dict[tuple[int, str], tuple[str, int, int, bool]]:
        with services.scoped(self.officer):
            return {(one.batch_id, one.what): (one.rule, one.rows_erased, one.rows_kept, one.is_whole)
                    for one in tombstones.tombstones()}  # fmt: skip


@pytest.fixture(scope="module")
def desk(
    database: str,
    tokens: Callable[..., str],
    root: psycopg.Connection[Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> Desk:
    made = Desk(tmp_path_factory.mktemp("lists"), tokens("data_steward"), tokens("data_protection_officer"), root)
    with services.scoped(made.steward):
        for body in CONTRACTS.values():
            register_contract(body=body, at=years_ago(13))
        for code, kept_here in (("E-LIST", False), ("E-OTHER", False), ("E-HERE", True), ("E-TWO", False)):
            two = code == "E-TWO"
            sources.add_source(
                code=code, title=code, agency="A", programmes=["R1", "R2"] if two else ["R1"], frequency="", at=NOW,
                contract_code="e-two" if two else "e-list", is_kept_here=kept_here,
            )  # fmt: skip
    return made


@pytest.fixture(scope="module")
def lists(desk: Desk) -> dict[str, int]:
    """Four deliveries of one source: an old one with a row in quarantine, one that was replaced, its heir, and the newest."""
    broken = f"{number(9)},Amna\x01 Bibi 9,5000,Q1-2012\n"
    old = desk.quarter("old.csv", "Q1-2012", range(1, 6), also=broken, years=12.5)
    wrong = desk.quarter("wrong.csv", "Q1-2013", range(1, 3), years=12)
    right = desk.quarter("right.csv", "Q1-2013", range(1, 4), years=11.9, replaces=wrong)
    new = desk.quarter("new.csv", "Q1-2014", range(1, 4), years=11)
    return {"old": old, "wrong": wrong, "right": right, "new": new}


def test_a_run_notes_nothing_about_rows_that_it_did_not_read(desk: Desk, lists: dict[str, int]) -> None:
    wrong, right = lists["wrong"], lists["right"]
    desk.behind(
        'UPDATE beneficiaries_benefit SET notes = \'[{"code": "FORMULA_TEXT"}]\' WHERE batch_id = ANY (%s)',
        [wrong, right],
    )
    nothing: dict[str, Any] = dict.fromkeys(("findings", "recipients", "unserved", "figures"), lambda: iter(()))
    with services.scoped(desk.steward):
        run = record_run.start_run(parameters={}, inputs=deliveries.describe_loaded(), at=NOW)
        written = record_run.write_results(run_id=run, **nothing, summary={}, at=NOW)
    assert written["notes"] == len(desk.rows(right)) == 3, "a delivery that was replaced is not read"
    desk.behind("DELETE FROM beneficiaries_finding")


def test_a_dry_run_says_what_would_go_and_why_not_and_writes_nothing(desk: Desk, lists: dict[str, int]) -> None:
    old, wrong, right = lists["old"], lists["wrong"], lists["right"]
    desk.behind(  # 2 is enrolled by this very delivery, 3 is held, 4 has a case that waits
        "INSERT INTO beneficiaries_enrolment (programme, agency, area_path, id_token, state, state_at, changed_by, actor_id, reason, note,"
        " household_number, source_code, batch_id, is_chosen, created_at)"
        " VALUES ('R1', 'A', '', %s, 'ENROLLED', now(), 'MIS', 1, '', '', '', 'E-LIST', %s, false, now())",
        token_of(2), old,
    )  # fmt: skip
    for person, n in ((77, 3), (78, 4)):
        desk.behind("INSERT INTO registry_identifier (person_id, area_path, type, token, ciphertext, status, recorded_at)"
                    " VALUES (%s, 'PK.', 'CNIC', %s, 'x', 'VERIFIED', now())", person, token_of(n))  # fmt: skip
    desk.behind("INSERT INTO grievances_case (person_id, area_path, about, state, outcome, lodged_by, lodged_at, due_on, note)"
                " VALUES (78, 'PK.', 'PAYMENT', 'OPEN', '', 'CITIZEN', now(), now(), '')")  # fmt: skip
    desk.behind("INSERT INTO beneficiaries_run (state, started_at, ended_at, actor_id, parameters, inputs, summary)"
                " VALUES ('DONE', now(), now(), 1, '{}', %s, '{}')", json.dumps({str(wrong): {}}))  # fmt: skip
    with services.scoped(desk.officer):
        retention.hold(rule="LISTS", subject="person:77", reason="a court asked for it", at=NOW)
    told = erase_over.preview(token=desk.officer, at=NOW)
    by_batch = {row["batch"]: row for row in told["rows"] if row["rule"] == "LISTS"}
    assert set(by_batch) == {old, wrong, right}, "the newest of the source stays, old as it is"
    assert [by_batch[old][name] for name in ("goes", "held", "needed", "waits")] == [2, 1, 2, ""]
    assert by_batch[wrong]["waits"] == "run" and [by_batch[right][n] for n in ("goes", "held", "needed")] == [2, 1, 0]
    assert (
        told["rules"]["LISTS"] == {"goes": 4, "held": 2, "needed": 2, "waits": 2}
        and told["rules"]["MESSAGES"]["goes"] == 0
    )
    assert len(desk.rows(old)) == 5 and desk.stones() == {}
    assert desk.root.execute("SELECT count(*) FROM deliveries_batch WHERE over_at IS NOT NULL").fetchone() == (0,)
    early = erase_over.preview(token=desk.officer, as_of=years_ago(4).date(), at=NOW)
    assert early["rows"] == [], "six years ago nothing was over"
    for ask in (erase_over.preview, erase_over.run):
        with pytest.raises(services.PermissionMissing):
            ask(token=desk.steward, at=NOW)
    with services.scoped(desk.steward), pytest.raises(services.PermissionMissing):
        tombstones.erase_lists(before=years_ago(10))


def test_steps_stand_by_themselves_and_what_is_needed_stays(
    desk: Desk, lists: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    old, wrong, right, new = lists.values()
    ((gone, stays),) = desk.root.execute(
        "SELECT min(id), max(id) FROM beneficiaries_benefit WHERE batch_id = %s AND line IN (2, 3)", [old]
    ).fetchall()
    for row, other, kind in (
        (gone, 77, "PERSON"),
        (stays, 77, "PERSON"),
        (stays, gone, "PERSON"),
        (stays, gone, "ROW"),
    ):
        ((pair,),) = desk.behind(
            "INSERT INTO linkage_pair (run_id, left_kind, left_id, left_role, right_kind, right_id, right_role, area_path, left_area_path,"
            " match_weight, probability, bits, contradiction, stratum, decision, stake, gain, wants_second)"
            " VALUES (1, 'ROW', %s, 'beneficiary', %s, %s, '', '', '', 1, 1, '{}', '', '', 'REVIEW', 0, 0, false) RETURNING id",
            row, kind, other)  # fmt: skip
        desk.behind("INSERT INTO linkage_label (pair_id, area_path, left_area_path, outcome, origin, stratum, is_sampled, labelled_by,"
                    " labelled_at) VALUES (%s, '', '', 'SAME', 'PAGE', '', false, 1, now())", pair)  # fmt: skip
    monkeypatch.setattr(tombstones, "ROWS_A_STEP", 1)
    seen = []

    def stop(done: int, total: int, phase: str) -> None:
        seen.append((done, total, phase))
        if seen.count((0, 2, "erasing")) == 2:
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        erase_over.run(token=desk.officer, progress=stop, at=NOW)
    assert desk.rows(old) == [3, 4, 5, 6] and desk.stones() == {(old, "ROWS"): ("LISTS", 1, 0, False)}, (
        "one step stands"
    )
    monkeypatch.undo()
    assert desk.erase() == {"LISTS": 3}
    assert desk.rows(old) == [3, 4, 5] and len(desk.rows(wrong)) == 2 and desk.rows(right) == [4]
    left = {(old, "ROWS"): ("LISTS", 2, 4, False), (right, "ROWS"): ("LISTS", 2, 1, False)}
    assert desk.stones() == left, "of the old one three rows, and the one in quarantine while a hold is on a person"
    assert desk.root.execute("SELECT left_id, right_kind, right_id FROM linkage_pair ORDER BY id").fetchall() == [
        (stays, "PERSON", 77), (stays, "PERSON", gone),
    ], "a pair goes with either of its rows; a person whose number is that of a row is none"  # fmt: skip
    assert desk.root.execute("SELECT count(*) FROM linkage_label").fetchone() == (2,)
    with services.scoped(desk.steward):
        assert set(deliveries.replaced_batch_ids()) == {old, wrong, right}, "no later consolidation reads them"
        assert list(deliveries.describe_loaded()) == [str(new)]
    assert desk.content(old).exists() and desk.erase() == {}


def test_all_goes_when_nothing_needs_it_and_the_hash_is_known_again(
    desk: Desk, lists: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    old, wrong, right, new = lists.values()
    desk.behind("UPDATE beneficiaries_enrolment SET state = 'EXITED'")
    desk.behind("UPDATE grievances_case SET state = 'ANSWERED'")
    desk.behind("INSERT INTO beneficiaries_run (state, started_at, ended_at, actor_id, parameters, inputs, summary)"
                " VALUES ('DONE', now(), now(), 1, '{}', %s, '{}')", json.dumps({str(new): {}}))  # fmt: skip
    with services.scoped(desk.officer):
        for one in retention.holds():
            retention.release(number=one.pk, at=NOW)
        kept = retention.hold(rule="FILES", subject=f"batch:{right}", reason="an audit of the right list", at=NOW)
    contents = {batch: desk.content(batch) for batch in lists.values()}

    def broken(sha256: str) -> None:
        contents[old].unlink()
        raise OSError("the disk went away")

    monkeypatch.setattr(files, "remove", broken)
    with pytest.raises(OSError, match="disk"):
        erase_over.run(token=desk.officer, at=NOW)
    assert (old, "FILE") not in desk.stones(), "what is not told stands, or is done again"
    monkeypatch.undo()
    assert desk.erase() == {"FILES": 2}
    assert [contents[batch].exists() for batch in (old, wrong, right, new)] == [False, False, True, True]
    assert desk.rows(old) == desk.rows(wrong) == desk.rows(right) == [] and len(desk.rows(new)) == 3
    assert desk.root.execute(
        "SELECT count(*) FROM deliveries_quarantinedrow WHERE batch_id = %s", [old]
    ).fetchone() == (0,)
    stones = desk.stones()
    assert stones[(old, "ROWS")] == ("LISTS", 6, 0, True) and stones[(old, "FILE")] == ("FILES", 0, 0, True)
    with services.scoped(desk.officer):
        retention.release(number=kept, at=NOW)
    assert desk.erase() == {"FILES": 1} and not contents[right].exists() and desk.erase() == {}
    ((counts, hashes),) = desk.root.execute(
        "SELECT b.rows_loaded, t.rows_sha256 = b.rows_sha256 AND t.sha256 = f.sha256 AND t.erased_by IS NOT NULL FROM deliveries_batch b"
        " JOIN access_tombstone t ON t.batch_id = b.id JOIN platform_storedfile f ON f.id = b.file_id WHERE b.id = %s AND t.what = 'FILE'",
        [old],
    ).fetchall()
    assert (counts, hashes) == (5, True), "counts and hashes outlive their rows"
    with services.scoped(desk.steward):
        told = {one.id: (one.erased, one.over_at is None) for one in batches_of("E-LIST")}
    assert told == {old: ("FILE", False), wrong: ("FILE", False), right: ("FILE", False), new: ("", True)}
    with pytest.raises(DeliveryErased) as refused:
        desk.quarter("right.csv", "Q1-2013", range(1, 4), years=0)
    assert f"batch {right}" in refused.value.message and not contents[right].exists(), "nothing of it was kept"
    again = desk.quarter("right.csv", "Q1-2013", range(1, 4), years=0, source="E-OTHER")
    assert len(desk.rows(again)) == 3 and contents[right].exists() and desk.erase() == {}, "another source's, and new"


def test_files_that_nobody_could_load_and_registers_that_were_replaced(desk: Desk) -> None:
    with pytest.raises(InputError):
        desk.bring("bad.csv", "nothing,of,use\n1,2,3\n", years=2)
    ((bad,),) = desk.root.execute("SELECT id FROM deliveries_batch WHERE state = 'FAILED'").fetchall()
    people = "number,name,sex,born\n" + "".join(f"{number(n)},Amna Bibi {n},F,01/02/1970\n" for n in (1, 2))
    first = desk.bring("extract.csv", people, years=11.5, source="", entity="identity")
    desk.bring(
        "extract-2.csv", people + f"{number(3)},Amna Bibi 3,F,01/02/1970\n", years=11, source="", entity="identity"
    )
    here = desk.bring("one.csv", f"cnic,name,amount,quarter\n{number(1)},Amna,1,\n", years=12, source="E-HERE")
    desk.bring("two.csv", f"cnic,name,amount,quarter\n{number(2)},Amna,1,\n", years=11, source="E-HERE")
    sha256 = desk.content(first).name
    desk.behind("INSERT INTO intake_submissionpart (submission_id, actor_id, kind, name, sha256, size, received_at)"
                " VALUES (1, 1, 'ATTACHMENT', 'x', %s, 1, now())", sha256)  # fmt: skip
    assert desk.erase() == {"UNREAD": 1}, (
        "the extract's content is somebody else's too; a list kept here ends with no period"
    )
    assert not desk.content(bad).exists() and desk.content(first).exists() and len(desk.rows(here)) == 1
    desk.behind("DELETE FROM intake_submissionpart WHERE sha256 = %s", sha256)
    assert desk.erase() == {"FILES": 1} and not desk.content(first).exists()
    with pytest.raises(InputError):
        desk.bring("bad.csv", "nothing,of,use\n1,2,3\n", years=0)
    assert desk.content(bad).exists() and desk.erase() == {}, "brought again: its year begins anew"


def test_the_last_list_of_each_programme_of_a_source_stays(desk: Desk) -> None:
    def bring(name: str, years: float, *schemes: str) -> int:
        rows = "".join(f"{number(n)},Amna Bibi {n},1,Q1-2012,{scheme}\n" for n, scheme in enumerate(schemes))
        return desk.bring(name, f"cnic,name,amount,quarter,scheme\n{rows}", years=years, source="E-TWO")

    both = bring("both.csv", 12, "R1", "R2")
    one = bring("one-programme.csv", 11.5, "R1")
    assert desk.erase() == {}, "the source sent another since, but nothing of R2"
    bring("other-programme.csv", 11, "R2")
    assert desk.erase() == {"LISTS": 2, "FILES": 1} and desk.rows(both) == [], "each programme has a newer list"
    assert len(desk.rows(one)) == 1, "the last of R1"


def test_what_a_killed_import_left_without_a_row_goes_after_a_week(desk: Desk) -> None:
    path = desk.folder / "half.csv"
    path.write_text("cnic,name\n")

    def killed() -> Path:
        with pytest.raises(KeyboardInterrupt), services.scoped(desk.steward):
            kept = files.keep(path, name="half.csv", at=NOW)
            raise KeyboardInterrupt
        return files.path_of(kept.sha256)

    def told() -> dict[str, int]:
        return dict(erase_over.preview(token=desk.officer, at=NOW)["rules"]["LEFTOVERS"])

    content = killed()
    assert content.exists() and told()["goes"] == 0 and desk.erase() == {}, "it may still be written"
    week = (NOW - timedelta(days=8)).timestamp()
    os.utime(content, (week, week))
    assert told()["goes"] == 1 and content.exists(), "a dry run"
    killed()
    assert told()["goes"] == 0, "brought again, and killed again"
    os.utime(content, (week, week))
    with (
        pytest.raises(tombstones.LeftoversMany),
        services.scoped(desk.officer),
    ):  # as the worker by itself, where a kill left less
        retention.run(at=NOW, most_leftovers=0)
    assert content.exists()
    with desk.root.transaction():  # as whoever keeps the same bytes at this moment
        desk.root.execute("SELECT pg_advisory_xact_lock_shared(hashtextextended(%s, 0))", [content.name])
        assert desk.erase() == {} and content.exists()
    with services.scoped(desk.officer):
        held = retention.hold(rule="*", subject="area:PK.", reason="a court asked for it", at=NOW)
    assert (told()["goes"], told()["held"]) == (0, 1) and desk.erase() == {} and content.exists()
    with services.scoped(desk.officer):
        retention.release(number=held, at=NOW)
    assert desk.erase() == {"LEFTOVERS": 1} and not content.exists() and desk.erase() == {}
    ((details,),) = desk.root.execute("SELECT details FROM audit_event WHERE subject = 'rule:LEFTOVERS'").fetchall()
    assert details["sha256"] == [content.name]


def test_the_chain_holds_and_the_owner_sees_all_that_names_a_content(
    desk: Desk, tokens: Callable[..., str], root: psycopg.Connection[Any]
) -> None:
    while audit.seal_events():
        pass
    with services.scoped(tokens("auditor")):
        assert audit.verify().holds
    told = {
        action
        for (action,) in root.execute("SELECT DISTINCT action FROM audit_event WHERE action LIKE 'access.retention%'")
    }
    assert told == {"access.retention.erased", "access.retention.out_of_force"}
    closed = root.execute(
        "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.relforcerowsecurity"
        " AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname ~ 'sha256$' AND NOT a.attisdropped)"
        " AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = c.relname || '_owner')"
    ).fetchall()
    assert closed == [], (
        "retention may not read it, and erases no file until it may: add its owner's policy to its migration"
    )
