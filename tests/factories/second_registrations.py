"""Households of a made-up country that register a second time elsewhere, with slips; and the true pairs."""

from __future__ import annotations

import csv
import random
from pathlib import Path


def register_twice(folder: Path, *, households: int = 40, seed: int = 4) -> list[tuple[str, str, str, str]]:
    """Append second registrations to households.csv and persons.csv; write `truth/second.csv`.

    A third of the copies share a number, a third has two digits transposed, a third has none; names of every
    second copy miss a letter. Returns (household, line, household, line) of each pair, those that the country
    has by itself included.
    """
    dice = random.Random(seed)
    homes, people = _read(folder / "households.csv"), _read(folder / "persons.csv")
    members: dict[str, list[dict[str, str]]] = {}
    for person in people:
        members.setdefault(person["household_id"], []).append(person)
    places = sorted({(row["province_code"], row["district_code"], row["tehsil_code"]) for row in homes})
    chosen = dice.sample([row for row in homes if len(members.get(row["household_id"], ())) >= 3], households)
    keys = _read(folder / "truth" / "person_keys.csv")
    person_of = {(row["household_id"], row["line_no"]): row["person"] for row in keys}
    records: dict[str, list[tuple[str, str]]] = {}
    for place, key in person_of.items():
        records.setdefault(key, []).append(place)
    for number, home in enumerate(chosen):
        copy = {**home, "household_id": str(990_000_000 + number)}
        copy["province_code"], copy["district_code"], copy["tehsil_code"] = dice.choice(places)
        homes.append(copy)
        for person in members[home["household_id"]]:
            again = {**person, "household_id": copy["household_id"]}
            if dice.random() < 0.5:
                again["name"] = _slip(person["name"], dice)
            kind = dice.randrange(3)
            if kind == 1 and len(again["id_number"]) > 6:
                digits = again["id_number"]
                again["id_number"] = digits[:5] + digits[6] + digits[5] + digits[7:]
            elif kind == 2:
                again["id_number"], again["id_type"] = "", "4"
            people.append(again)
            key = person_of[home["household_id"], person["line_no"]]
            records[key].append((copy["household_id"], person["line_no"]))
    pairs = [(*a, *b) for same in records.values() for place, a in enumerate(same) for b in same[place + 1 :]]
    _write(folder / "households.csv", homes)
    _write(folder / "persons.csv", people)
    with (folder / "truth" / "second.csv").open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["left_household_id", "left_line_no", "right_household_id", "right_line_no"])
        writer.writerows(pairs)
    return pairs


def _slip(name: str, dice: random.Random) -> str:
    if len(name) < 5:
        return name
    place = dice.randrange(1, len(name) - 1)
    return name[:place] + name[place + 1 :]


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def _write(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
