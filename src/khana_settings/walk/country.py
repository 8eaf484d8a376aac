"""A made-up country to walk through: what in it belongs to one district or one agency alone, and who looks.

Three look: a registrar of one district, an officer of one agency, an analyst who may see no person; and somebody who is
not signed in. What each must not meet is read past row security, as the owner of that database.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from khana.platform import keys
from khana_methods.disclosure.masking import mask

AGENCY = "Federal income support agency"
USERS = ("registrar", "officer", "analyst")
ENOUGH = 20  # things of the other side that each must not meet: fewer would show nothing
Row = Sequence[Any]
_PERSON = re.compile(r'/person/(\d+)|"person": ?(\d+)|"person_id": ?(\d+)')
_PERSONS = """SELECT v.area_path, v.person_id, v.name, v.name_native, h.number FROM registry_personversion v
    JOIN registry_membership m ON m.person_id = v.person_id JOIN registry_household h ON h.id = m.household_id
    WHERE v.superseded_at IS NULL AND v.valid_to IS NULL ORDER BY v.id"""
_RESIDENTS = "SELECT area_path, name, name_native, ciphertext FROM registry_resident WHERE superseded_at IS NULL"
_LISTED = "SELECT agency, source_code, id, name, payee_name, area_path FROM beneficiaries_benefit ORDER BY id"
_JOB = """INSERT INTO platform_jobrun (uuid, kind, arguments, state, actor_id, actor_label, phase, progress_done, progress_total,
        cancel_requested, message, error_code, result, queued_at)
    SELECT gen_random_uuid(), 'study', '{}', 'FAILED', (SELECT min(id) FROM access_user), 'steward', '', 0, 0, false, %s, 'x',
        '{}', now() RETURNING uuid"""


@dataclass
class Trial:
    """A country, consolidated; what belongs to one side only, and who looks."""

    folder: Path
    password: str = ""
    area: str = ""
    tokens: dict[str, str] = field(default_factory=dict)
    things: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, dict[str, str]] = field(default_factory=dict)
    ids: dict[str, set[int]] = field(default_factory=dict)

    def found(self, user: str, text: str, asked: str) -> list[str]:
        """Return what of the other side's people appears in a text; what the user asked for herself is no find."""
        shown = [
            f"{kind} {value}" for value, kind in self.secrets[user].items() if value in text and value not in asked
        ]
        for match in _PERSON.finditer(text):
            number = int(next(part for part in match.groups() if part))
            if number in self.ids[user] and f"/person/{number}" not in asked:
                shown.append(f"person {number}")
        return shown


def fill(run: Callable[..., Any], folder: Path, *, households: int = 150) -> None:
    """Make the country and bring it to where every page has something to show, by commands of a data steward.

    Args:
        run: Runs one command and returns how it ended.
        folder: For its files.
        households: How many.

    Raises:
        RuntimeError: A command failed.
    """
    for words in (
        ("synth", "--country", "pak", "--households", households, "--seed", 5, "--out", folder),
        ("sample", "load", folder / "sample.yaml", "--data", folder),
        ("consolidate",),
        ("simulate", "prepare"),
        ("monitoring", "indicators"),
        ("identity", "connect", "extract", "--kind", "OFFLINE"),
        ("monitoring", "publish", "--threshold", 5),
        ("intake", "work"),  # the journey is a user of its own from its first run on
    ):
        done = run(*words, "--json")
        if done.code != 0:
            raise RuntimeError(f"khana {' '.join(str(word) for word in words)}: {done.err}")


def learn(made: Trial, owner: psycopg.Connection[Any]) -> None:
    """Find out, past row security, what belongs to one district or one agency alone; put the other side's files down."""

    def rows(statement: str) -> list[Row]:
        return owner.execute(statement.encode()).fetchall()

    persons, listed = rows(_PERSONS), rows(_LISTED)
    numbers = [
        (str(path), keys.decrypt(bytes(closed)).decode())
        for path, closed in rows("SELECT area_path, ciphertext FROM registry_identifier WHERE retired_at IS NULL")
    ]
    own, other = sorted({_district(row[0]) for row in persons})[:2]
    made.area = str(next(row[0] for row in persons if _district(row[0]) == own)).partition(own)[0] + own + "."
    ours, others = ([row for row in persons if (_district(row[0]) == own) is is_own] for is_own in (True, False))
    residents = [row for row in rows(_RESIDENTS) if _district(row[0]) == own]
    our_numbers = {number for path, number in numbers if _district(path) == own}
    our_numbers |= {keys.decrypt(bytes(row[3])).decode() for row in residents if row[3]}
    known = {str(x) for row in ours for x in (row[2], row[3], row[4])} | {str(x) for row in residents for x in row[1:3]}
    known |= {str(x) for row in listed if _district(row[5]) == own for x in row[3:5]}
    made.secrets["registrar"] = _secrets(others, known) | _numbers(
        {number for path, number in numbers if _district(path) != own}, our_numbers
    )
    made.ids["registrar"] = {int(row[1]) for row in others}
    for user in ("analyst", "nobody"):
        made.secrets[user] = _secrets(persons, set()) | _numbers({number for _, number in numbers}, set())
        made.ids[user] = {int(row[1]) for row in persons}
    our_names = {str(row[3]) for row in listed if row[0] == AGENCY}
    foreign = [row for row in listed if row[0] != AGENCY]
    made.secrets["officer"] = {
        str(row[3]): "name on a list"
        for row in foreign
        if _is_telling(str(row[3])) and not any(str(row[3]) in name for name in our_names)
    }
    made.ids["officer"] = set()
    if short := [user for user, found in made.secrets.items() if len(found) <= ENOUGH]:
        raise RuntimeError(f"the country is too small to show anything to {', '.join(short)}")
    foreigner = next(row for row in others if str(row[2]) in made.secrets["registrar"])
    shown = next(row for row in foreign if str(row[3]) in made.secrets["officer"])
    number = next(number for path, number in numbers if _district(path) != own)
    made.things = {
        "area": other, "own_area": own, "top": str(persons[0][0]).split(".")[0], "person": str(foreigner[1]),
        "household": str(foreigner[4]), "number": number, "name": str(foreigner[2]), "short_name": str(foreigner[2]).split()[0],
        "own_name": str(ours[0][2]), "own_number": min(our_numbers), "own_household": str(ours[0][4]),
        "benefit": str(shown[2]), "source": str(shown[1]), "folder": str(made.folder), "contract": "code: x",
        **_numbers_of_rows(rows, own), "job": _failed_job(owner, next(iter(made.secrets["registrar"]))),
        "model": str(made.folder / "model.yaml"),
    }  # fmt: skip
    _put_files(made, {str(row[4]) for row in others}, our_numbers, number)


def _numbers_of_rows(rows: Callable[[str], list[Row]], own: str) -> dict[str, str]:
    """Return the numbers of rows of the other side that pages and commands are asked for."""
    elsewhere = f"area_path NOT LIKE '%{own}%'"
    asked = {
        "recipient": f"SELECT id FROM beneficiaries_recipient WHERE {elsewhere} AND NOT agencies ? '{AGENCY}' LIMIT 1",
        "quarantined": f"SELECT id FROM deliveries_quarantinedrow WHERE agency <> '{AGENCY}' ORDER BY id LIMIT 1",
        "finding": f"SELECT id FROM beneficiaries_finding WHERE agency <> '{AGENCY}' AND {elsewhere} LIMIT 1",
        "score": f"SELECT id FROM assessment_score WHERE {elsewhere} ORDER BY id LIMIT 1",
    }
    found = {name: rows(statement) for name, statement in asked.items()}
    return {name: str(ids[0][0]) if ids else "1" for name, ids in found.items()}


def _failed_job(owner: psycopg.Connection[Any], secret: str) -> str:
    """Leave a failed job of somebody else whose message holds what nobody else may read."""
    ((number,),) = owner.execute(_JOB, [secret]).fetchall()
    owner.commit()
    return str(number)


def _put_files(made: Trial, theirs: set[str], our_numbers: Iterable[str], number: str) -> None:
    """Write files of the other side that somebody may try to load as her own."""
    header, *lines = (made.folder / "persons.csv").read_text().splitlines()
    changed = [line.replace(",1,", ",2,", 1) for line in lines if line.split(",")[0] in theirs]
    (made.folder / "other-persons.csv").write_text("\n".join([header, *changed, ""]))
    (made.folder / "other-list.csv").write_bytes(next(made.folder.glob("zakat*.csv")).read_bytes() + b"\n")
    sample = [f"1,{ours}\n" for ours in sorted(our_numbers)[:5]]
    (made.folder / "survey.csv").write_text("".join(["w,nid\n", *sample, f"1,{number}\n"]))
    (made.folder / "other-corrections.csv").write_text(f"row,raw\n{made.things['quarantined']},mine\n")


def make_users(made: Trial, *, at: datetime | None = None) -> dict[str, str]:
    """Make the three who look, each with a password to sign in by; return their tokens. As the owner of the database."""
    from khana.access import services as access

    for name, role, area, agency in (
        ("registrar", "registrar", made.things["own_area"], ""),
        ("officer", "programme_officer", "", AGENCY),
        ("analyst", "analyst", "", ""),
    ):
        made.tokens[name] = access.add_user(
            username=name, display_name=name, role=role, area_code=area, agency=agency, password=made.password,
            second_factor=False, at=at or datetime.now(UTC),
        ).token  # fmt: skip
    return made.tokens


def _district(path: object) -> str:
    """Return the district of a path such as `PK.PK2.PK201.`."""
    parts = str(path).split(".")
    return parts[2] if len(parts) > 3 else ""


def _is_telling(name: str) -> bool:
    return len(name) >= 8 and " " in name


def _secrets(people: Iterable[Row], known: set[str]) -> dict[str, str]:
    out: dict[str, str] = {}
    for row in people:
        for value, kind in ((str(row[2]), "name"), (str(row[3]), "native name")):
            if _is_telling(value) and not any(value in other for other in known):
                out[value] = kind
        if str(row[4]) not in known:
            out[str(row[4])] = "household"
    return out


def _numbers(theirs: set[str], ours: set[str]) -> dict[str, str]:
    masked = {mask(number) for number in ours}
    out = dict.fromkeys(theirs - ours, "number")
    return out | {mask(number): "masked number" for number in theirs if mask(number) not in masked}
