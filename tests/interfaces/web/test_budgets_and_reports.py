"""The delivery chain from the tables, budgets from a file to a page, reports as jobs: held against a recount by hand."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from openpyxl import load_workbook

from tests.conftest import acting_as
from tests.interfaces.web.test_browser import LANGUAGES, Visit
from tests.interfaces.web.world import NOW

DAY = date(2026, 6, 30)
HEADER = "programme,area,government,year,amount,unit,source"
BUDGET = f"{HEADER}\nKFL,,Federal,FY2025-26,1160000,,Budget in brief\nZKT,XK1,Shumal,2025-26,2,lakh,ADP\nZKT,,Federal,2025-26,1,million,ADP\n"


@pytest.fixture(scope="module")
def monkeypatch_module() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def chain(country: dict[str, object], database: str, monkeypatch_module: pytest.MonkeyPatch) -> dict[str, object]:
    """Put enrolments, a frozen list, dated payments and appeals past the triggers, then compute the indicators."""
    from django.db import connection

    from khana.beneficiaries.models import Benefit, Enrolment, Recipient, StateChange
    from khana.grievances.models import Case
    from khana.interfaces.web import limits
    from khana.platform import keys
    from khana.programmes.models import FilterAppeal, ListEntry, Proposal, SelectionList
    from khana.registry.models import Household
    from khana.workflows import measure_indicators

    monkeypatch_module.setattr(limits.EXPORT, "burst", 100_000)  # how often one may ask is another test
    heads = [one for one in country["people"] if one["line"] == 1]  # type: ignore[attr-defined]
    with acting_as("superuser", database):
        connection.cursor().execute("SET session_replication_role = replica")
        gone = [
            one["token"] for one in sorted(heads, key=lambda one: one["score"])[::3]
        ]  # else nearly everybody draws something
        Benefit.objects.filter(id_token__in=gone).delete()
        Recipient.objects.filter(id_token__in=gone).delete()
        rows = {code: Benefit.objects.filter(programme=code).count() for code in ("KFL", "ZKT")} | {
            "": Benefit.objects.count()
        }
        drawn = {bytes(token) for token in Benefit.objects.values_list("id_token", flat=True)}
        idle = sorted((one for one in heads if bytes(one["token"]) not in drawn), key=lambda one: one["score"])
        common = {"agency": "BISP", "state_at": NOW, "changed_by": "HUMAN", "actor_id": 1}
        for n, row in enumerate(Benefit.objects.filter(programme="KFL").order_by("id")):
            row.facts = {"payment_date": (date(2026, 6, 30) + timedelta(days=20 if n < 15 else 50)).isoformat()}
            row.save(update_fields=["facts"])
            made = Enrolment.objects.create(
                programme="KFL", area_path=row.area_path, id_token=row.id_token, state="ENROLLED", enrolled_date=date(2026, 6, 10),
                created_at=NOW - timedelta(days=14), **common,
            )  # fmt: skip
            if n < 10:
                StateChange.objects.create(
                    subject="enrolment", subject_id=made.pk, programme="KFL", area_path=row.area_path, state_from="NOTIFIED",
                    state_to="ENROLLED", **common,
                )  # fmt: skip
        for n, one in enumerate(idle):
            if n % 2:
                Enrolment.objects.create(
                    programme="NSH", area_path=one["path"], id_token=one["token"], state="WAITLISTED" if n % 4 == 1 else "ENROLLED",
                    created_at=NOW, **{**common, "state_at": datetime(2026, 6, 20, tzinfo=UTC)},
                )  # fmt: skip
        ids = dict(Household.objects.values_list("number", "pk"))
        frozen = SelectionList.objects.create(
            code="L-1", programme="TLW", agency="BISP", state="FROZEN", as_of=DAY, known_at=NOW, snapshot="x", drawn_hash="x", head_hash="x",
            created_by=1, created_at=NOW, frozen_at=datetime(2026, 6, 25, tzinfo=UTC),
        )  # fmt: skip
        for n, one in enumerate(idle):
            ListEntry.objects.create(
                list=frozen, agency="BISP", area_path=one["path"], unit=one["household"], household_id=ids[one["household"]], household_number=one["household"],
                place=n + 1, tie="-", drawn_state="WAITING", state="WAITING" if n % 2 == 0 else "SELECTED",
            )  # fmt: skip
        for n in range(4):
            FilterAppeal.objects.create(
                filter_code="VEHICLE", household_number=heads[n]["household"], area_path=heads[n]["path"], reason="x", lodged_by=1,
                lodged_at=NOW - timedelta(days=80), state="LODGED" if n == 3 else "UPHELD", decided_by=None if n == 3 else 2,
                decided_at=None if n == 3 else NOW - timedelta(days=(70, 60, 5)[n]),
            )  # fmt: skip
        Proposal.objects.create(
            programme="KFL", agency="BISP", area_path=heads[0]["path"], household_id=1, household_number=heads[0]["household"], minutes="1",
            proposed_by=1, proposed_at=NOW - timedelta(days=3),
        )  # fmt: skip
        for n, (answered, outcome) in enumerate(((20, "CORRECTED"), (40, "NOT_WRONG"), (None, ""))):
            Case.objects.create(
                person_id=n + 1, area_path=heads[n]["path"], about="NAME", lodged_by="CITIZEN", lodged_at=NOW - timedelta(days=60),
                due_on=(NOW - timedelta(days=30)).date(), state="ANSWERED" if outcome else "OPEN", outcome=outcome,
                answered_at=NOW - timedelta(days=60 - answered) if answered else None,
            )  # fmt: skip
        assert keys.token("PK", heads[0]["number"]) == heads[0]["token"]
        connection.cursor().execute("RESET session_replication_role")
    token = country["users"]["steward"].token  # type: ignore[index]
    steward = signed_in(token)
    sent = {"file": SimpleUploadedFile("budget.csv", BUDGET.encode())}
    assert steward.post("/monitoring/budgets/load", sent).status_code == 302
    made = measure_indicators.run(token=token, as_of=DAY, at=datetime(2026, 8, 20, tzinfo=UTC))
    assert made["inputs"]["unseen"] == {}
    return {
        **country,
        "idle": idle,
        "heads": heads,
        "steward": steward,
        "rows": made["rows"],
        "snapshot": made["snapshot"],
        "drawn": drawn,
        "counts": rows,
    }


def signed_in(token: str) -> Client:
    from django.conf import settings

    reader = Client()
    session = reader.session
    session["token"] = token
    session.save()
    reader.cookies[settings.SESSION_COOKIE_NAME] = session.session_key or ""
    return reader


def test_the_chain_counts_what_a_recount_by_hand_counts(chain: dict[str, object]) -> None:
    values = {row["indicator"]: row for row in chain["rows"] if row["area_code"] == "XK" and not row["group_by"]}  # type: ignore[attr-defined]
    poor = {one["household"] for one in chain["heads"] if one["score"] <= 32}  # type: ignore[attr-defined]
    drawing = {one["household"] for one in chain["heads"] if bytes(one["token"]) in chain["drawn"]}  # type: ignore[attr-defined, operator]
    idle = [one["household"] for one in chain["idle"]]  # type: ignore[attr-defined]
    enrolled = {home for n, home in enumerate(idle) if n % 4 == 3}
    waiting = {home for n, home in enumerate(idle) if n % 4 != 3}  # on the list in force, or wait-listed
    assert poor & drawing and poor & waiting and poor & enrolled
    assert values["HH_ENROLLED"]["numerator"] == len(poor & (drawing | enrolled))
    assert values["HH_WAITING"]["numerator"] == len(poor & waiting)
    assert values["HH_RECEIVING"]["numerator"] == len(poor & drawing)
    assert values["EXCLUSION_NOT_PAID"]["numerator"] == len(poor & enrolled)
    assert values["DAYS_TO_ENROL"]["value"] == 14 and values["DAYS_TO_ENROL"]["denominator"] == 10
    count: dict[str, int] = chain["counts"]  # type: ignore[assignment]
    late = count["KFL"] - 15
    assert late > 0 and (values["PAID_ON_TIME"]["numerator"], values["PAID_ON_TIME"]["denominator"]) == (
        15,
        count["KFL"],
    )
    assert values["DAYS_LATE"]["value"] == (15 * 20 + late * 50) / count["KFL"]
    assert values["DAYS_TO_PAYMENT"]["value"] == (15 * 40 + late * 70) / count["KFL"]
    cases = {row["group_value"]: row["numerator"] for row in chain["rows"] if row["indicator"] == "CASES" and row["group_by"] == "kind"
             and row["area_code"] == "XK"}  # fmt: skip  # type: ignore[attr-defined]
    assert cases == {"FILTER_APPEAL": 4, "PROPOSAL": 1, "FILE_CORRECTION": 3}
    # two of four appeals, and of what people said is wrong in their files one of three: one answer was late, one is owed
    assert values["CASES_IN_TIME"]["numerator"] == 3 and values["CASES_IN_TIME"]["denominator"] == 7
    monthly = [
        row
        for row in chain["rows"]
        if row["indicator"] == "BENEFIT_MONTHLY" and row["area_code"] == "XK" and row["group_by"]
    ]  # type: ignore[attr-defined]
    assert {row["group_value"] for row in monthly} == set("12345")
    assert sum(row["numerator"] for row in monthly) == pytest.approx(count[""] * 14500 / 3)  # a quarter is three months


@pytest.mark.parametrize("code", ["HH_ENROLLED", "HH_WAITING", "EXCLUSION_NOT_PAID", "ADEQUACY", "INCIDENCE_POOREST"])
def test_the_rows_behind_a_figure_add_up_to_it(chain: dict[str, object], code: str) -> None:
    from khana.access import services as access
    from khana.dossiers import indicator_rows

    rows = {row["area_code"]: row for row in chain["rows"] if row["indicator"] == code and not row["group_by"]}  # type: ignore[attr-defined]
    with access.scoped(chain["users"]["steward"].token):  # type: ignore[index]
        found = indicator_rows.rows_of(snapshot=int(str(chain["snapshot"])), indicator=code, area_code="XK")
        parts = [
            indicator_rows.rows_of(snapshot=int(str(chain["snapshot"])), indicator=code, area_code=f"XK{n}").seen
            for n in range(1, 5)
        ]
    assert found.seen > 0 and found.seen == pytest.approx(rows["XK"]["numerator"])
    assert parts == pytest.approx([rows[f"XK{n}"]["numerator"] if f"XK{n}" in rows else 0 for n in range(1, 5)])


def test_a_budget_is_held_against_what_was_spent(chain: dict[str, object]) -> None:
    steward: Client = chain["steward"]  # type: ignore[assignment]
    page = steward.get("/monitoring/budgets").content.decode()
    assert "FY2025-26" in page and "Budget in brief" in page
    from khana.workflows import load_budget

    token = chain["users"]["analyst"].token  # type: ignore[index]
    rows = {(row["programme"], row["area"]): row for row in load_budget.table(token=token)["rows"]}
    count: dict[str, int] = chain["counts"]  # type: ignore[assignment]
    # KFL is dated: it was paid in July and August, after the fiscal year; ZKT is spread over its quarter
    assert rows["KFL", ""]["spent"] == 0 and rows["KFL", ""]["amount"] == 1_160_000
    assert rows["ZKT", ""]["spent"] + rows["ZKT", "XK1"]["spent"] == pytest.approx(count["ZKT"] * 14500)
    assert rows["ZKT", "XK1"]["spent"] > 0 and rows["ZKT", "XK1"]["amount"] == 200_000
    values = {row["indicator"]: row for row in chain["rows"] if row["area_code"] == "XK" and not row["group_by"]}  # type: ignore[attr-defined]
    assert values["BUDGET"]["value"] == 2_360_000
    assert values["BUDGET_SPENT"]["numerator"] == pytest.approx(count["ZKT"] * 14500)


def test_a_wrong_budget_is_refused_whole_and_a_new_amount_counts(chain: dict[str, object]) -> None:
    from khana.monitoring.models import Budget

    steward: Client = chain["steward"]  # type: ignore[assignment]
    wrong = f"{HEADER}\nKFL,,Federal,FY2026-27,5,,s\nNONE,nowhere,Federal,FY2026-27,x,,s\n"
    answer = steward.post(
        "/monitoring/budgets/load", {"file": SimpleUploadedFile("b.csv", wrong.encode())}, follow=True
    )
    assert "line 3" in answer.content.decode() and "FY2026-27" not in answer.content.decode()
    again = f"{HEADER}\nKFL,,Federal,FY2026-27,5,,s\n"
    for _ in range(2):
        steward.post("/monitoring/budgets/load", {"file": SimpleUploadedFile("b.csv", again.encode())})
    steward.post(
        "/monitoring/budgets/load", {"file": SimpleUploadedFile("b.csv", again.replace(",5,", ",6,").encode())}
    )
    page = steward.get("/monitoring/budgets?year=FY2026-27").content.decode()
    assert page.count("<bdi>Federal</bdi>") >= 1
    from khana.access import services as access

    with access.scoped(chain["users"]["steward"].token):  # type: ignore[index]
        assert [int(one.amount) for one in Budget.objects.filter(year="FY2026-27").order_by("id")] == [5, 6]
    analyst = signed_in(chain["users"]["auditor"].token)  # type: ignore[index]
    assert (
        analyst.post("/monitoring/budgets/load", {"file": SimpleUploadedFile("b.csv", again.encode())}).status_code
        == 403
    )


def test_a_report_is_asked_for_on_a_page_and_written_as_a_job(chain: dict[str, object], database: str) -> None:
    from khana.interfaces.jobs.work import work

    steward: Client = chain["steward"]  # type: ignore[assignment]
    assert "2026Q2" in steward.get("/monitoring/reports").content.decode()
    asked = steward.post("/monitoring/reports/write", {"period": "2026Q2", "form": "xlsx", "language": "ur"})
    with acting_as("worker", database):
        work(UUID(asked["Location"].rsplit("/", 1)[1]))
    page = steward.get("/monitoring/reports").content.decode()
    assert "/monitoring/reports/1" in page
    taken = steward.get("/monitoring/reports/1")
    book = load_workbook(io.BytesIO(taken.content))
    cells = [cell.value for sheet in book.worksheets for row in sheet.iter_rows() for cell in row]
    assert 1.2 in cells and any("GFSM" in str(cell) for cell in cells)  # the budget of ZKT, in millions
    assert steward.get("/monitoring/reports/99").status_code == 404
    assert steward.post("/monitoring/reports/write", {"period": "yesterday", "form": "pdf", "language": "en"})[
        "Location"
    ].endswith("/reports")
    assert (
        steward.post("/monitoring/reports/write", {"period": "2026Q2", "form": "exe", "language": "en"}).status_code
        == 404
    )


@pytest.mark.browser
@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_draw_and_axe_finds_nothing(chrome, site: str, chain: dict[str, object], language: str) -> None:  # type: ignore[no-untyped-def]
    visit = Visit(chrome, site, "steward", language)
    problems = []
    for name, path in {
        "budgets": "/monitoring/budgets?year=FY2025-26",
        "reports": "/monitoring/reports",
        "plan-new": "/coverage/plans/new",
    }.items():
        problems += visit.problems(name, path)
    visit.close()
    assert problems + visit.wrong == []


def test_a_plan_is_made_of_files_on_a_page(chain: dict[str, object], database: str) -> None:
    from khana.interfaces.jobs.work import work

    steward: Client = chain["steward"]  # type: ignore[assignment]
    lines = [
        "code,missing,latitude,longitude,province",
        *[f"XK10{d},{100 * d},{30 + d / 10},70,a" for d in range(1, 7)],
    ]

    def asked(**changed: object) -> dict[str, object]:
        file = SimpleUploadedFile("places.csv", "\n".join(lines).encode())
        return {
            "places": file,
            "title": "Winter",
            "vans": "2",
            "days": "5",
            "start": "2026-12-01",
            "floor": "0",
            "take_up": "0.6",
            **changed,
        }

    for wrong, words in (
        ({"days": "0"}, "whole number"),
        ({"vans": "0"}, "how many vans"),
        ({"hours": "never"}, "hours"),
        ({"start": "x"}, "cannot be read"),
    ):
        answer = steward.post("/coverage/plans/new", asked(**wrong))
        assert answer.status_code == 422 and words in answer.content.decode()
    lacking = SimpleUploadedFile("places.csv", b"code,missing\na,1\n")
    assert "latitude" in steward.post("/coverage/plans/new", asked(places=lacking)).content.decode()
    sent = steward.post("/coverage/plans/new", asked())
    with acting_as("worker", database):
        work(UUID(sent["Location"].rsplit("/", 1)[1]))
    job = steward.get(sent["Location"]).content.decode()
    assert "/coverage/plans/1" in job
    assert "Winter" in steward.get("/coverage/plans/1").content.decode()


def test_a_reader_who_sees_no_lists_gets_no_half_figures(chain: dict[str, object]) -> None:
    """Enrolments and waiting lists are left out, not shown too small."""
    from khana.workflows import measure_indicators
    from khana_country.load import pack_folder
    from khana_methods.coverage.framework import read_framework

    framework = read_framework(pack_folder("pak") / "results_framework.yaml")
    seen = measure_indicators._seen(framework, {"enrolment": "lists.read"})
    codes = {one.code for one in seen.indicators}
    assert (
        not codes & {"HH_ENROLLED", "HH_WAITING", "EXCLUSION_NOT_PAID", "ENROLMENTS", "DAYS_WAITING"}
        and "COVERAGE_POOR" in codes
    )
    assert [step.code for step in seen.funnel] == ["HH_REGISTERED", "HH_ASSESSED", "HH_ELIGIBLE", "HH_RECEIVING"]
