"""A few hundred made-up people for matching, some of them registered twice with known slips."""

from __future__ import annotations

import random

import pyarrow as pa

from khana_methods.matching.prepare import linkage_frame

_CALLS = (  # noqa: SIM905
    "Aslam Akram Bilal Danish Ejaz Fahad Ghafar Hamid Imran Javed Kamran Latif Mansoor Nadeem Owais Pervez Qasim Rashid "
    "Sajid Tahir Usman Waseem Yasir Zahid Abida Bushra Farah Gulnaz Hina Iqra Kausar Lubna Maryam Nargis Parveen Rubina "
    "Saima Tasleem Uzma Zainab"
).split()
_SECOND = [
    "Khan",
    "Malik",
    "Ahmad",
    "Ali",
    "Hussain",
    "Bibi",
    "Begum",
    "Akhtar",
    "Shah",
    "Baloch",
    "Jatoi",
    "Soomro",
    "Mengal",
    "Bugti",
    "Khoso",
    "Lashari",
]


def record(record_id: str, **values: object) -> dict[str, object]:
    """Return one record with everything unsaid left empty."""
    empty: dict[str, object] = {
        "record_id": record_id, "side": "REGISTRY", "household_id": "", "name": "", "native_name": "", "guardian_name": "",
        "guardian_kind": "", "sex": "", "birth_year": None, "birth_month": None, "birth_day": None, "number": "",
        "mobile": "", "household_mobile": "", "district_code": "", "tehsil_code": "", "kin_names": [], "kin_numbers": [],
    }  # fmt: skip
    return empty | values


def frame(records: list[dict[str, object]]) -> pa.Table:
    """Return records in the shape of `linkage_frame`."""
    return pa.Table.from_pylist(records, schema=linkage_frame)


def people(count: int = 1200, twice: int = 60, seed: int = 7) -> tuple[list[dict[str, object]], set[tuple[str, str]]]:
    """Make a register in which the first `twice` people stand twice, in another household and tehsil.

    A third of the copies share a clean number, a third has a digit transposed, a third has none; half have the
    name misspelt by one letter. Returns records and true pairs.
    """
    dice = random.Random(seed)
    records: list[dict[str, object]] = []
    for number in range(count):
        female = number % 2
        name = f"{dice.choice(_CALLS[24:] if female else _CALLS[:24])} {dice.choice(_SECOND)}"
        records.append(
            record(
                f"P{number:05d}",
                household_id=f"H{number // 4}",
                name=name,
                guardian_name=f"{dice.choice(_CALLS[:24])} {dice.choice(_SECOND)}",
                guardian_kind="F",
                sex="F" if female else "M",
                birth_year=dice.randint(1945, 2010),
                birth_month=dice.randint(1, 12),
                birth_day=dice.randint(1, 28),
                number="".join(dice.choice("0123456789") for _ in range(13)),
                mobile=f"+9236{dice.randint(0, 99999999):08d}" if number % 3 == 0 else "",
                district_code=f"D{number % 10}",
                tehsil_code=f"D{number % 10}T{number % 30}",
            )
        )
    truth = set()
    for number in range(twice):
        copy = dict(records[number])
        copy |= {
            "record_id": f"Q{number:05d}",
            "household_id": f"K{number}",
            "district_code": "D9",
            "tehsil_code": "D9T29",
        }
        text = str(copy["number"])
        if number % 3 == 1:
            copy["number"] = text[:5] + text[6] + text[5] + text[7:]
        elif number % 3 == 2:
            copy["number"] = ""
        if number % 2:
            copy["name"] = str(copy["name"]).replace("a", "e", 1)
        records.append(copy)
        truth.add((str(records[number]["record_id"]), str(copy["record_id"])))
    return records, truth
