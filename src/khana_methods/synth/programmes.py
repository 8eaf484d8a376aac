"""The programmes of each made-up country: rules, periods, the file each ministry sends and its shape.

Programme codes are those that the country packs use where the kind of benefit is the same; amounts
are round. A *list* is one file; a list may carry two programmes (a scheme column) and several periods.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True)
class Period:
    """One period of a list: canonical code, first and last day, and how offices spell it."""

    code: str
    start: dt.date
    end: dt.date
    spellings: tuple[str, ...]


@dataclass(frozen=True)
class Programme:
    """One programme: what the catalogue says of it and how its recipients are found.

    Attributes:
        benefit_type: 1 cash, 3 in kind, 5 work.
        picker: Which people are meant (see ``enrolment``).
        take_up: Share of those meant who are listed.
        area: ``all``, ``province`` (the first two only) or ``some`` (two districts in three).
        amounts: What a row may state.
        cut_off: Highest office score that counts as poor for this programme.
        sex: F where only women are meant.
    """

    code: str
    name: str
    native: str
    agency: str
    benefit_type: int
    picker: str
    take_up: float
    amounts: tuple[int, ...]
    rule: str
    area: str = "all"
    min_age: int | None = None
    max_age: int | None = None
    min_age_female: int | None = None
    poverty_targeted: bool = True
    one_per_household: bool = False
    requires: str = ""
    incompatible: tuple[str, ...] = ()
    cut_off: int = 32
    sex: str = ""

    @property
    def is_cash(self) -> bool:
        """Whether it counts to the cap of cash programmes."""
        return self.benefit_type == 1


@dataclass(frozen=True)
class ListFile:
    """One file that a ministry sends.

    Attributes:
        shape: Which writer makes it: pipe, utf16, native, jsonl, cp1252, xlsx or parquet.
        source: Code of the source (the ministry's MIS) that sends it.
    """

    name: str
    shape: str
    source: str
    title: str
    programmes: tuple[str, ...]
    periods: tuple[Period, ...]


CASH_CAP = 3
SCORE_CUTOFF = 32
_M = ["Jan", "Feb", "Mar", "Apr", "May", "Jun"]


def _quarter(n: int) -> Period:
    first, last = 3 * n - 2, 3 * n
    end = dt.date(2026, last + 1, 1) - dt.timedelta(days=1)
    return Period(f"2026Q{n}", dt.date(2026, first, 1), end, (f"Q{n}-2026", f"{_M[first - 1]}-{_M[last - 1]} 2026"))


def _month(n: int) -> Period:
    end = dt.date(2026, n + 1, 1) - dt.timedelta(days=1)
    return Period(f"2026-{n:02d}", dt.date(2026, n, 1), end, (f"2026-{n:02d}", f"{_M[n - 1]}-2026"))


def _fortnight(n: int) -> Period:
    month, half = (n + 1) // 2, (n - 1) % 2
    start = dt.date(2026, month, 16 if half else 1)
    end = dt.date(2026, month + 1, 1) - dt.timedelta(days=1) if half else dt.date(2026, month, 15)
    return Period(f"2026F{n:02d}", start, end, (f"{start:%d/%m/%Y} to {end:%d/%m/%Y}",))


_HALF = Period("2026H1", dt.date(2026, 1, 1), dt.date(2026, 6, 30), ("جنوری تا جون 2026",))
_HALF_BN = Period("2026H1", dt.date(2026, 1, 1), dt.date(2026, 6, 30), ("জানুয়ারি-জুন ২০২৬",))
_MONTHS = tuple(_month(n) for n in range(1, 7))

_FEDERAL, _ZAKAT = "Federal income support agency", "Zakat administration"
_PAK = (
    Programme(
        "KFL",
        "Kafaalat unconditional transfer",
        "کفالت",
        _FEDERAL,
        1,
        "wives",
        0.8,
        (14500,),
        "ever-married women of households with office score <= 32 (<= 37 with a disabled member)",
        min_age=16,
        sex="F",
    ),
    Programme(
        "NSH",
        "Nashonuma health and nutrition transfer",
        "نشوونما",
        _FEDERAL,
        1,
        "infants",
        0.75,
        (2000, 2500),
        "pregnant woman or child 0-23 months of a KFL household, in listed districts",
        area="some",
        requires="KFL",
    ),
    Programme(
        "TLW",
        "Taleemi Wazaif school stipend",
        "تعلیمی وظائف",
        _FEDERAL,
        1,
        "pupils",
        0.7,
        (2000, 2500, 3000, 3500, 4500),
        "child 4-22 enrolled with 70 % attendance; paid to the mother on KFL",
        min_age=4,
        max_age=22,
        requires="KFL",
    ),
    Programme(
        "ZKT",
        "Guzara allowance",
        "گزارہ الاؤنس",
        _ZAKAT,
        1,
        "needy",
        0.28,
        (9000,),
        "needy adult; not with PBM or PWP",
        min_age=18,
        incompatible=("PBM", "PWP"),
    ),
    Programme(
        "PBM",
        "Individual financial assistance",
        "بیت المال",
        "Bait-ul-Mal",
        1,
        "needy",
        0.1,
        (5000, 8000, 10000),
        "needy adult; not with ZKT",
        min_age=18,
        incompatible=("ZKT",),
    ),
    Programme(
        "RTN",
        "Provincial ration card",
        "راشن کارڈ",
        "Provincial social protection authority",
        3,
        "card",
        0.75,
        (3000,),
        "one card per household, two provinces only, in kind",
        area="province",
        min_age=18,
        one_per_household=True,
    ),
    Programme(
        "PWP",
        "Rural public works",
        "دیہی تعمیرات",
        "Rural support programme",
        5,
        "workers",
        0.18,
        (7500, 8750, 12500),
        "adult 18-60 in listed districts; wage work",
        area="some",
        min_age=18,
        max_age=60,
        incompatible=("ZKT",),
    ),
    Programme(
        "OAP",
        "Old-age top-up",
        "پنشن ضعیف العمر",
        "Provincial social welfare department",
        1,
        "elderly",
        0.8,
        (2000,),
        "men from 65, women from 60, poor households",
        min_age=65,
        min_age_female=60,
    ),
)
_SOCIAL, _WOMEN = "Department of Social Services", "Department of Women Affairs"
_BGD = (
    Programme(
        "OAA",
        "Old-age allowance",
        "বয়স্ক ভাতা",
        _SOCIAL,
        1,
        "elderly",
        0.7,
        (650,),
        "men from 65, women from 62",
        min_age=65,
        min_age_female=62,
        incompatible=("WDW", "DIS", "EGPP"),
        cut_off=50,
    ),
    Programme(
        "WDW",
        "Widow and husband-deserted women allowance",
        "বিধবা ভাতা",
        _SOCIAL,
        1,
        "widows",
        0.6,
        (650,),
        "widowed woman from 18",
        min_age=18,
        incompatible=("OAA", "DIS"),
        cut_off=48,
        sex="F",
    ),
    Programme(
        "DIS",
        "Allowance for insolvent persons with disability",
        "প্রতিবন্ধী ভাতা",
        _SOCIAL,
        1,
        "disabled",
        0.75,
        (900,),
        "registered disability, from 6 years",
        min_age=6,
        incompatible=("OAA", "WDW"),
        cut_off=60,
    ),
    Programme(
        "MCBP",
        "Mother and child benefit",
        "মা ও শিশু সহায়তা",
        _WOMEN,
        1,
        "mothers",
        0.6,
        (850,),
        "pregnant woman or mother of a small child, 20-35, in listed districts",
        area="some",
        min_age=20,
        max_age=35,
        cut_off=40,
        sex="F",
    ),
    Programme(
        "PES",
        "Primary education stipend",
        "প্রাথমিক উপবৃত্তি",
        "Directorate of Primary Education",
        1,
        "pupils",
        0.75,
        (450, 900),
        "child 4-15 at school with 85 % attendance; paid to the mother",
        min_age=4,
        max_age=15,
        poverty_targeted=False,
    ),
    Programme(
        "VWB",
        "Vulnerable women benefit",
        "ভিডব্লিউবি",
        _WOMEN,
        3,
        "card",
        0.4,
        (1500,),
        "one card per household, in kind; two divisions only",
        area="province",
        min_age=18,
        one_per_household=True,
    ),
    Programme(
        "EGPP",
        "Employment generation for the poorest",
        "কর্মসংস্থান",
        "Department of Disaster Management",
        5,
        "workers",
        0.15,
        (4000, 5000, 6000),
        "adult 18-60, rural, listed districts",
        area="some",
        min_age=18,
        max_age=60,
        incompatible=("OAA",),
        cut_off=36,
    ),
)
PROGRAMMES = {"pak": _PAK, "bgd": _BGD}
LISTS = {
    "pak": (
        ListFile("income_support_2026.txt", "pipe", "FISA", "Income support", ("KFL",), (_quarter(1), _quarter(2))),
        ListFile(
            "school_stipend_2026h1.csv",
            "utf16",
            "FISA-EDU",
            "School stipend",
            ("TLW",),
            (_quarter(1), _quarter(2)),
        ),
        ListFile("zakat_2026h1.csv", "native", "ZAKAT", "Zakat and Bait-ul-Mal", ("ZKT", "PBM"), (_HALF,)),
        ListFile("ration_2026h1.jsonl", "jsonl", "PSPA", "Ration cards", ("RTN",), _MONTHS),
        ListFile(
            "public_works_2026.csv",
            "cp1252",
            "RSP",
            "Public works",
            ("PWP",),
            tuple(_fortnight(n) for n in range(7, 13)),
        ),
        ListFile(
            "nutrition_2026q2.xlsx",
            "xlsx",
            "FISA-NUT",
            "Health and nutrition transfer",
            ("NSH",),
            (_quarter(2),),
        ),
        ListFile("old_age_2026h1.parquet", "parquet", "SWD", "Old-age top-up", ("OAP",), _MONTHS),
    ),
    "bgd": (
        ListFile(
            "old_age_allowance_2026.txt",
            "pipe",
            "DSS-OAA",
            "Old-age allowance",
            ("OAA",),
            (_quarter(1), _quarter(2)),
        ),
        ListFile(
            "primary_stipend_2026h1.csv",
            "utf16",
            "DPE",
            "Primary stipend",
            ("PES",),
            (_quarter(1), _quarter(2)),
        ),
        ListFile("disability_2026h1.csv", "native", "DSS-DIS", "Disability allowance", ("DIS",), (_HALF_BN,)),
        ListFile("rice_card_2026h1.jsonl", "jsonl", "DWA-VWB", "Rice cards", ("VWB",), _MONTHS),
        ListFile(
            "employment_2026.csv",
            "cp1252",
            "DDM",
            "Employment generation",
            ("EGPP",),
            tuple(_fortnight(n) for n in range(7, 13)),
        ),
        ListFile(
            "mother_child_2026q2.xlsx",
            "xlsx",
            "DWA-MCB",
            "Mother and child benefit",
            ("MCBP",),
            (_quarter(2),),
        ),
        ListFile("widow_allowance_2026h1.parquet", "parquet", "DSS-WDW", "Widow allowance", ("WDW",), _MONTHS),
    ),
}
