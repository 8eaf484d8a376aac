"""A small made-up country for the pages: areas with outlines, people, lists, one finished run.

Written past row security by the database's superuser, so that the pages are tested by
themselves. Names are ordinary, numbers are of ranges that no authority issues.
"""

from __future__ import annotations

import random
from datetime import UTC, date, datetime
from decimal import Decimal

import shapely

NOW = datetime(2026, 7, 1, 9, 30, tzinfo=UTC)
PROGRAMMES = {
    "KFL": ("Kafaalat", "کفالت", "কাফালাত", "BISP", 1, True), "TLW": ("Taleemi Wazaif", "تعلیمی وظائف", "তালিমি ওয়াজাইফ", "BISP", 1, True),
    "NSH": ("Nashonuma", "نشوونما", "নশোনুমা", "BISP", 1, True), "ZKT": ("Guzara Allowance", "گزارہ الاؤنس", "গুজারা ভাতা", "ZAKAT", 1, True),
    "PBM": ("Bait-ul-Mal", "بیت المال", "বায়তুল মাল", "PBM", 1, True), "RTN": ("Ration", "راشن", "রেশন", "PUNJAB", 3, False),
    "PWP": ("Public works", "عوامی کام", "গণপূর্ত কাজ", "LG", 5, False),
}  # fmt: skip
PROVINCES = [
    ("Shumal", "شمال", "শুমাল"),
    ("Mashriq", "مشرق", "মাশরিক"),
    ("Janub", "جنوب", "জানুব"),
    ("Maghrib", "مغرب", "মাগরিব"),
]
SYLLABLES = ["Khair", "Gul", "Noor", "Mehr", "Sabz", "Shah", "Roshan", "Neel", "Zar", "Dil", "Chand", "Sang"]
WOMEN = ["Shazia Bibi", "Nasreen Akhtar", "Rukhsana Begum", "Samina Bibi", "Zubaida Khatoon", "Parveen Bibi"]
WOMEN_UR = ["شازیہ بی بی", "نسرین اختر", "رخسانہ بیگم", "ثمینہ بی بی", "زبیدہ خاتون", "پروین بی بی"]
MEN = ["Muhammad Aslam", "Ghulam Rasool", "Abdul Hameed", "Riaz Ahmed", "Allah Ditta", "Nazir Hussain"]


def make(*, households: int = 60) -> dict[str, object]:
    """Fill the database that Django points at; return what tests ask for."""
    chance = random.Random(7)
    areas = _areas(chance)
    _programmes()
    people = _people(chance, areas, households)
    batch = _lists(chance, people)
    run = _run(chance, areas, people)
    _quarantine(batch)
    _jobs()
    _pairs(people)
    _centres(areas)
    return {"areas": areas, "people": people, "run": run, "batch": batch}


def _areas(chance: random.Random) -> list[tuple[str, str]]:
    from khana.geo.models import Area

    country = Area.objects.create(
        country="PAK", scheme="test", code="XK", level=0, path="XK.", name="Khanabad", valid_from=date(2020, 1, 1),
        names={"en": "Khanabad", "ur": "خان آباد", "bn": "খানাবাদ"},
    )  # fmt: skip
    points = [(60 + chance.random() * 14, 24 + chance.random() * 11) for _ in range(24)]
    hull = shapely.MultiPoint(points).convex_hull.buffer(1.1)
    cells = shapely.voronoi_polygons(shapely.MultiPoint(points), extend_to=hull, ordered=True)
    shapes = [cell.intersection(hull) for cell in cells.geoms]
    shapes.sort(key=lambda cell: (cell.centroid.x > 67, cell.centroid.y > 29.5))
    leaves: list[tuple[str, str]] = []
    for p, names in enumerate(PROVINCES):
        mine = shapes[p * 6 : p * 6 + 6]
        province = Area.objects.create(
            country="PAK", scheme="test", code=f"XK{p + 1}", level=1, parent=country, path=f"XK.XK{p + 1}.", name=names[0],
            names=dict(zip(("en", "ur", "bn"), names, strict=True)), valid_from=date(2020, 1, 1),
            boundary=shapely.to_wkb(shapely.union_all(mine)),
        )  # fmt: skip
        for d, shape in enumerate(mine):
            code = f"{province.code}{d + 1:02d}"
            Area.objects.create(
                country="PAK", scheme="test", code=code, level=2, parent=province, path=f"{province.path}{code}.",
                name=f"{SYLLABLES[(p * 6 + d) % 12]}{'abad' if d % 2 else 'pur'}", valid_from=date(2020, 1, 1),
                boundary=shapely.to_wkb(shape),
            )  # fmt: skip
            leaves.append((code, f"{province.path}{code}."))
    return leaves


def _programmes() -> None:
    from khana.programmes.models import Programme

    for code, (en, ur, bn, agency, kind, poor) in PROGRAMMES.items():
        Programme.objects.create(
            code=code, name=en, names={"en": en, "ur": ur, "bn": bn}, agency=agency, benefit_type=kind, counts_to_cap=kind == 1,
            poverty_targeted=poor, incompatible_with=["PBM"] if code == "ZKT" else [], recorded_at=NOW,
        )  # fmt: skip


def _people(chance: random.Random, areas: list[tuple[str, str]], households: int) -> list[dict[str, object]]:
    from khana.assessment.models import Score
    from khana.platform import keys
    from khana.registry.models import (
        Household,
        HouseholdVersion,
        Identifier,
        Membership,
        Person,
        PersonVersion,
    )

    people = []
    clocks = {"valid_from": date(2024, 3, 1), "recorded_at": datetime(2024, 3, 9, tzinfo=UTC)}
    for n in range(households):
        _code, path = areas[n % len(areas)]
        household = Household.objects.create(number=f"9{n:08d}", area_path=path, created_at=NOW)
        HouseholdVersion.objects.create(
            household=household,
            area_path=path,
            address=f"House {n + 1}, Chak {100 + n}",
            consent=True,
            facts={"rooms": 2, "water": "hand pump"},
            **clocks,
        )
        score = Decimal(chance.randint(500, 8000)) / 100
        Score.objects.create(
            household=household,
            area_path=path,
            score=score,
            score_date=date(2024, 3, 1),
            model_code="PSC",
            recorded_at=NOW,
        )
        for line, (name, native, sex, relation, year) in enumerate(
            [
                (WOMEN[n % 6], WOMEN_UR[n % 6], "F", "head", 1982),
                (MEN[n % 6], "", "M", "spouse", 1978),
                (f"Ayesha {n}", "", "F", "child", 2014),
            ],
            1,
        ):
            person = Person.objects.create(area_path=path, created_at=NOW)
            PersonVersion.objects.create(
                person=person, area_path=path, name=name, name_native=native, guardian_name=MEN[(n + 1) % 6], sex=sex, birth_year=year,
                birth_month=5 if line < 3 else None, marital="M" if line < 3 else "S", **clocks,
            )  # fmt: skip
            Membership.objects.create(
                household=household,
                person=person,
                area_path=path,
                line_no=line,
                relation=relation,
                family_no=1,
                **clocks,
            )
            number = f"39{n:05d}{line:05d}{line % 2}"
            token = keys.token("PK", number)
            Identifier.objects.create(
                person=person, area_path=path, type="CNIC", token=token, ciphertext=keys.encrypt(number),
                status="VERIFIED" if n % 5 else "CLAIMED", recorded_at=NOW,
            )  # fmt: skip
            people.append(
                {
                    "person": person.pk,
                    "household": household.number,
                    "path": path,
                    "line": line,
                    "token": token,
                    "number": number,
                    "score": score,
                    "name": name,
                }
            )
    return people


def _lists(chance: random.Random, people: list[dict[str, object]]) -> int:
    from khana.beneficiaries.models import Benefit, Source
    from khana.deliveries.models import Batch, Contract
    from khana.platform.models import StoredFile

    first = 0
    for code, (title, _ur, _bn, agency, _kind, _poor) in PROGRAMMES.items():
        if code == "PWP":
            continue
        contract = Contract.objects.create(
            code=code.lower(),
            version=1,
            entity="benefits",
            agency=agency,
            body=_contract(code),
            created_at=NOW,
            created_by=1,
        )
        Source.objects.create(
            code=code.lower(), title=f"{title} MIS", agency=agency, programmes=[code], contract_code=code.lower(),
            frequency="quarterly", is_kept_here=code == "PBM", created_at=NOW,
        )  # fmt: skip
        stored = StoredFile.objects.create(
            sha256=f"{ord(code[0]):02x}{ord(code[1]):02x}" * 16, size=1000, name=f"{code}.csv", stored_at=NOW
        )
        batch = Batch.objects.create(
            contract=contract, file=stored, file_name=f"{code.lower()}_q2_2026.csv", entity="benefits", source_code=code.lower(),
            agency=agency, state="LOADED", rows_in=43, rows_loaded=40, rows_quarantined=3, lines_not_data=2, received_at=NOW,
            loaded_at=NOW, received_by=1,
        )  # fmt: skip
        first = first or batch.pk
        for line, one in enumerate(chance.sample([row for row in people if row["line"] == 1], 40), 2):
            Benefit.objects.create(
                batch_id=batch.pk, source_code=code.lower(), agency=agency, file_name=batch.file_name, line=line, programme=code,
                period="2026Q2", period_start=date(2026, 4, 1), period_end=date(2026, 6, 30), area_path=one["path"],
                id_raw_state="OK", id_type="CNIC", id_token=one["token"], name=one["name"], amount=Decimal(14500),
            )  # fmt: skip
    return first


def _contract(code: str) -> dict[str, object]:
    return {
        "code": code.lower(), "entity": "benefit", "country": "pak", "file": {"format": "csv"},
        "facts": {
            "programme": {"constant": code}, "period": {"column": ["Quarter"]}, "beneficiary_id_number": {"column": ["CNIC"]},
            "beneficiary_name": {"column": ["Name"]}, "amount": {"column": ["Amount"]},
        },
    }  # fmt: skip


def _jobs() -> None:
    from khana.platform.models import JobRun

    common = {"actor_id": 1, "actor_label": "steward", "queued_at": NOW}
    JobRun.objects.create(
        kind="consolidate", state="DONE", result={"run": 1, "recipients": 120, "findings": 12}, ended_at=NOW, **common
    )
    JobRun.objects.create(
        kind="import_file",
        state="RUNNING",
        phase="reading",
        progress_done=40,
        progress_total=100,
        arguments={"source": "kfl"},
        heartbeat_at=NOW,
        started_at=NOW,
        **common,
    )
    JobRun.objects.create(
        kind="import_file", state="FAILED", error_code="deliveries.reading.wrong_delimiter", ended_at=NOW, arguments={"source": "zkt"},
        message="The contract says the columns are parted by ';', but the file uses ','. Change the contract or the file.", **common,
    )  # fmt: skip


def _quarantine(batch_id: int) -> None:
    from khana.deliveries.models import Batch, QuarantinedRow
    from khana.platform import keys

    batch = Batch.objects.get(pk=batch_id)
    rows = [
        (5, "period", "impossible_date", "31-02-2026"),
        (17, "", "short_row", "4 of 9 columns"),
        (29, "amount", "control_char", ""),
    ]
    for line, column, code, detail in rows:
        QuarantinedRow.objects.create(
            batch=batch, source_code=batch.source_code, agency=batch.agency, line=line, column=column, code=code, detail=detail,
            raw_ciphertext=keys.encrypt("12,39001-0000111-1,Shazia Bibi,31-02-2026"),
        )  # fmt: skip


def _run(chance: random.Random, areas: list[tuple[str, str]], people: list[dict[str, object]]) -> int:
    from khana.beneficiaries.models import AreaFigure, Benefit, Finding, Recipient, Run, UnservedHousehold

    run = Run.objects.create(
        state="DONE", started_at=NOW, ended_at=NOW, actor_id=1, parameters={"cap": 3, "poor_cutoff": 32.0}
    )
    by_token: dict[bytes, list[Benefit]] = {}
    for row in Benefit.objects.order_by("id"):
        by_token.setdefault(bytes(row.id_token or b""), []).append(row)
    heads = [row for row in people if row["line"] == 1]
    figures: dict[tuple[str, int, str, str], int] = {}

    def count(path: str, figure: str, programme: str = "", by: int = 1) -> None:
        for level, code in enumerate(path.rstrip(".").split(".")):
            key = (code, level, figure, programme)
            figures[key] = figures.get(key, 0) + by

    rank = 0
    for one in heads:
        held = by_token.get(bytes(one["token"]), [])  # type: ignore[call-overload]
        path = str(one["path"])
        if not held:
            rank += 1
            UnservedHousehold.objects.create(
                run=run,
                household_number=one["household"],
                area_path=path,
                score=one["score"],
                rank=rank,
                members=3,
                eligible_for=["KFL", "NSH"],
            )
            count(path, "unserved", by=100 + chance.randint(0, 900))
            continue
        programmes = sorted({row.programme for row in held})
        cash = sum(1 for code in programmes if PROGRAMMES[code][4] == 1)
        well_off = Decimal(str(one["score"])) > 60
        Recipient.objects.create(
            run=run, id_token=one["token"], person_id=one["person"], household_number=one["household"], line_no=1, area_path=path,
            agencies=sorted({row.agency for row in held}), programmes=programmes, cash_programmes=cash, is_over_cap=cash > 3,
            rows=len(held), amount=Decimal(14500) * len(held), score=one["score"], is_well_off=well_off,
        )  # fmt: skip
        size = chance.randint(500, 4000)
        count(path, "recipients", by=size)
        for code in programmes:
            count(path, "recipients", code, by=size // 2)
        if len(programmes) > 1:
            count(path, "overlaps", by=size // 4)
        if cash > 3:
            count(path, "over_cap", by=size // 20)
        if well_off:
            count(path, "well_off", by=size // 10)
        for row, (code, severity) in zip(
            held,
            [
                ("CAP_EXCEEDED", "WARN"),
                ("NID_DOB_MISMATCH", "WARN"),
                ("DUP_MOBILE_HOUSEHOLD", "NOTE"),
                ("GOVT_EMPLOYEE", "REFUSE"),
            ],
            strict=False,
        ):
            Finding.objects.create(
                run=run, benefit_id=row.pk, source_code=row.source_code, agency=row.agency, programme=row.programme, area_path=path,
                file_name=row.file_name, line=row.line, code=code, role="beneficiary", severity=severity, person_id=one["person"],
                household_number=one["household"], line_no=1, detail="by_number",
            )  # fmt: skip
    AreaFigure.objects.bulk_create(
        AreaFigure(run=run, area_code=code, level=level, figure=figure, programme=programme, value=value)
        for (code, level, figure, programme), value in figures.items()
    )
    pairs = [
        {"a": a, "b": b, "persons": chance.randint(0, 9000) if (a, b) != ("NSH", "RTN") else 0, "households": chance.randint(9000, 12000)}
        for i, a in enumerate(sorted(PROGRAMMES)) for b in sorted(PROGRAMMES)[i + 1 :] if "PWP" not in (a, b)
    ]  # fmt: skip

    def total(figure: str) -> int:
        return figures.get(("XK", 0, figure, ""), 0)

    run.summary = {
        "recipients": total("recipients"), "overlaps": total("overlaps"), "over_cap": total("over_cap"), "unserved": total("unserved"),
        "leakage": total("well_off"), "pair_overlap": pairs, "not_connected": ["PWP"],
        "rows": 240, "linked": 236, "unmatched": 4,
        "findings": {"CAP_EXCEEDED": {"severity": "WARN", "rows": 61}, "GRADUATED_STILL_LISTED": {"severity": "REFUSE", "rows": 1285}},
        "connected": [
            {"programme": code, "agency": PROGRAMMES[code][3], "sources": [code.lower()], "periods": ["2026Q1", "2026Q2"], "to": "2026-06-30", "rows": 40}
            for code in PROGRAMMES if code != "PWP"
        ],
    }  # fmt: skip
    run.save()
    return run.pk


def _pairs(people: list[dict[str, object]]) -> None:
    """Two pairs of the steward's queue, one that was asked to the field, and a question of a desk."""
    import json

    from khana.linkage.models import LinkageRun, MatchingModel, Opening, Pair
    from khana.platform import keys
    from khana.registry.models import PersonVersion

    model = MatchingModel.objects.create(
        version="W-1", card={"trained_records": 180, "thresholds": {"link": 0.9}}, digest="w" * 64, trained_at=NOW, trained_by=1,
        state="RETIRED", estimate={"precision": 0.99, "recall": 0.91, "labels": 400},
    )  # fmt: skip
    run = LinkageRun.objects.create(
        model=model, kind="REGISTRY", state="DONE", started_at=NOW, ended_at=NOW, actor_id=1
    )
    rows = list(PersonVersion.objects.order_by("person_id")[:12])
    for place, (decision, stake) in enumerate((("REVIEW", 3), ("REVIEW", 0), ("ASK_FIELD", 1))):
        left, right = rows[place], rows[place + 6]
        Pair.objects.create(
            run=run, left_kind="PERSON", left_id=left.person_id, right_id=right.person_id, area_path=right.area_path,
            left_area_path=left.area_path, match_weight=1.5, probability=0.62, bits={"name": 8.1, "birth": -2.4, "company": 0.3},
            decision=decision, stake=stake, gain=0.96, contradiction="" if place else "sex_differs", decided_at=NOW,
        )  # fmt: skip
    Opening.objects.create(
        person_id=rows[0].person_id, area_path=rows[0].area_path, asked_by=10_000, asked_at=NOW,
        said=keys.encrypt(json.dumps({"name": "Shazia", "guardian_name": "Aslam", "sex": "F", "birth_year": 1982})),
    )  # fmt: skip


def _centres(areas: list[tuple[str, str]]) -> None:
    """A centre with a queue, a van with a route, who is due there, and one enumerator with papers and something to put right."""
    from datetime import timedelta

    from khana.intake.models import (
        Accreditation,
        Appointment,
        CorrectiveAction,
        DeskSession,
        Device,
        DueVisit,
        EnumeratorReview,
        Invitation,
        QueueToken,
        RegistrationPoint,
        Stop,
        Target,
    )  # fmt: skip
    from khana.platform import clock
    from khana.registry.models import Household

    path, now, today = areas[0][1], clock.now(), clock.today()
    by = {"area_path": path, "actor_id": 1}
    centre, van = (
        RegistrationPoint.objects.create(
            code=code, name=name, kind=kind, desks=2, valid_from=date(2026, 1, 1), added_at=now, **by
        )
        for code, name, kind in (("C1", "Khairpur centre", "CENTRE"), ("V1", "Van 1", "VAN"))
    )
    for n, (_code, where) in enumerate(areas[:3]):
        Stop.objects.create(
            point=van,
            area_path=where,
            day=today + timedelta(days=n),
            place=f"Chak {n + 7}",
            expected=40,
            actor_id=1,
            added_at=now,
        )
    desk = DeskSession.objects.create(point=centre, desk=1, actor_label="registrar", opened_at=now, **by)
    homes = list(Household.objects.filter(area_path=path).order_by("id")[:2])
    visits = (
        ("CALLED", "", homes[0], desk),
        ("WAITING", "ELDERLY", None, None),
        ("WAITING", "", None, None),
        ("MISSED", "", None, desk),
    )
    for n, (state, priority, household, session) in enumerate(visits, 1):
        QueueToken.objects.create(
            point=centre, day=today, number=n, purpose="REASSESSMENT" if household else "NEW", priority=priority, state=state,
            household=household, session=session, taken_at=now, called_at=now if session else None,
            done_at=now if state == "MISSED" else None, **by,
        )  # fmt: skip
    hour = now + timedelta(days=1)
    Appointment.objects.create(
        point=centre, reference="K7P2QRTW", slot=hour, purpose="UPDATE", priority="DISABLED", booked_at=now, **by
    )
    for home in Household.objects.order_by("id")[:60]:
        DueVisit.objects.create(
            household=home, area_path=home.area_path, facts="rooms water", stated_on=date(2024, 3, 1), best_before=date(2026, 3, 1),
            reckoned_at=now,
        )  # fmt: skip
    Invitation.objects.create(
        household=homes[1], point=centre, outcome="NO_ANSWER", actor_label="registrar", made_at=now, **by
    )
    paper = {"user_id": 77, "user_label": "amina"}
    Accreditation.objects.create(
        kind="ACCREDITATION", subject="khana_pak_household", granted_on=date(2026, 1, 1), expires_on=today + timedelta(days=9),
        recorded_at=now, **paper, **by,
    )  # fmt: skip
    Device.objects.create(
        device_id="collect:7f3a", label="T-118", issued_on=date(2026, 1, 1), recorded_at=now, **paper, **by
    )
    EnumeratorReview.objects.create(
        run="r", begins=today, ends=today, submissions=12, review_rank=1, first="minutes_median",
        measures={"minutes_median": 9.5, "missing_share": 0.21}, made_at=now, **paper, **by,
    )  # fmt: skip
    for state, due in (("OPEN", today - timedelta(days=3)), ("DONE", today + timedelta(days=3))):
        CorrectiveAction.objects.create(
            about="minutes_median", what="Sit in on three interviews", due_on=due, state=state, done_by=2 if state == "DONE" else None,
            history=[{"state": "OPEN", "who": "steward", "at": now.isoformat(), "note": "too short"}], opened_at=now, **paper, **by,
        )  # fmt: skip
    Target.objects.create(
        households=900, begins=today - timedelta(days=30), ends=today + timedelta(days=30), set_at=now, **by
    )
