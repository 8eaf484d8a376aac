"""A village of two households whose numbers nobody has verified, an extract, a telephone register, an authority."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from khana.platform import keys
from tests.factories.authority_server import Emulator

AT = datetime(2026, 11, 1, 9, tzinfo=UTC)
NORTH, SOUTH = "PK.PK1.PK101.", "PK.PK2.PK201."
# line: household, name, sex, birth year
PEOPLE = {
    1: ("HN", "Karim Baksh", "M", 1960), 2: ("HN", "Amina Bibi", "F", 1964), 3: ("HN", "Nasir Karim", "M", 1988),
    4: ("HN", "Somebody Else", "M", 1975), 5: ("HS", "Zubaida Khatoon", "F", 1950), 6: ("HS", "Bilal Ahmad", "M", 1990),
}  # fmt: skip
OUTSIDE = {7: "1110100000077", 8: "1110100000088", 9: "1110100000099"}


def number(line: int) -> str:
    return OUTSIDE.get(line) or f"11101000000{line}1"


def token(line: int) -> bytes:
    return keys.token("PK", number(line))


@dataclass
class Village:
    """Who lives where, who acts, and how to look past row security."""

    database: str
    persons: dict[int, int]
    households: dict[str, int]
    steward: str
    registrar: str
    administrator: str
    authority: Emulator

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        from khana.platform import embedded

        with psycopg.connect(**{**embedded.connection_parameters("owner"), "dbname": self.database}) as owner:
            return owner.execute(statement, values).fetchall()  # type: ignore[arg-type]

    def run(self, statement: str, *values: Any) -> None:
        from khana.platform import embedded

        with psycopg.connect(**{**embedded.connection_parameters("owner"), "dbname": self.database}) as owner:
            owner.execute(statement, values)  # type: ignore[arg-type]

    def status(self, line: int) -> str:
        return str(self.rows("SELECT status FROM registry_identifier WHERE person_id = %s", self.persons[line])[0][0])

    def newest(self, line: int) -> tuple[str, bool, str, Any]:
        found = self.rows(
            "SELECT outcome, counts, why, answer_ciphertext FROM identity_verification WHERE person_id = %s"
            " ORDER BY id DESC LIMIT 1", self.persons[line],
        )  # fmt: skip
        return found[0]  # type: ignore[return-value]

    def forget(self) -> None:
        """Take every answer and every verified number back."""
        self.run("DELETE FROM identity_verification")
        self.run("UPDATE registry_identifier SET status = 'CLAIMED'")


def _fill(c: psycopg.Connection[Any]) -> tuple[dict[int, int], dict[str, int]]:
    for code, level, path in (("PK", 0, "PK."), ("PK1", 1, "PK.PK1."), ("PK101", 2, NORTH), ("PK2", 1, "PK.PK2."), ("PK201", 2, SOUTH)):  # fmt: skip
        c.execute(
            "INSERT INTO geo_area (country, scheme, code, level, path, name, names, aliases, valid_from)"
            " VALUES ('pak', 't', %s, %s, %s, %s, '{}', '[]', '2000-01-01')",
            [code, level, path, code],
        )
    households, persons = {}, {}
    for name, path in (("HN", NORTH), ("HS", SOUTH)):
        (households[name],) = c.execute(
            "INSERT INTO registry_household (number, area_path, created_at) VALUES (%s, %s, %s) RETURNING id",
            [name, path, AT],
        ).fetchone()  # type: ignore[misc]
        c.execute(
            "INSERT INTO registry_householdversion (household_id, area_path, valid_from, recorded_at, address, facts)"
            " VALUES (%s, %s, '2020-01-01', %s, '', '{}')",
            [households[name], path, AT],
        )
    for line, (household, name, sex, year) in PEOPLE.items():
        path = NORTH if household == "HN" else SOUTH
        (persons[line],) = c.execute(
            "INSERT INTO registry_person (area_path, created_at) VALUES (%s, %s) RETURNING id", [path, AT]
        ).fetchone()  # type: ignore[misc]
        mobile = f"+92300000000{line}"
        c.execute(
            "INSERT INTO registry_personversion (person_id, area_path, valid_from, recorded_at, name, name_native, guardian_name,"
            " sex, birth_year, marital, facts, mobile_token, mobile_ciphertext)"
            " VALUES (%s, %s, '2020-01-01', %s, %s, '', '', %s, %s, 'M', '{}', %s, %s)",
            [persons[line], path, AT, name, sex, year, keys.token("MOBILE", mobile), keys.encrypt(mobile)],
        )
        c.execute(
            "INSERT INTO registry_membership (household_id, person_id, line_no, relation, is_member, area_path, valid_from,"
            " recorded_at) VALUES (%s, %s, %s, %s, true, %s, '2020-01-01', %s)",
            [households[household], persons[line], line, "head" if line in (1, 5) else "child", path, AT],
        )
        c.execute(
            "INSERT INTO registry_identifier (person_id, area_path, type, token, ciphertext, status, recorded_at)"
            " VALUES (%s, %s, 'CNIC', %s, %s, 'CLAIMED', %s)",
            [persons[line], path, token(line), keys.encrypt(number(line)), AT],
        )
    c.execute(
        "INSERT INTO identity_simrecord (mobile_token, id_token, batch_id) VALUES (%s, %s, 1)",
        [keys.token("MOBILE", "+923000000001"), token(1)],
    )
    return persons, households


def _extract(c: psycopg.Connection[Any]) -> None:
    rows = [  # line, name, sex, born, status, father, spouse
        (1, "Karim Bakhsh", "M", "1960-03-01", "ALIVE", None, 2), (2, "Amna Bibi", "F", "1964-01-01", "ALIVE", None, 1),
        (3, "Nasir Karim", "M", "1988-06-01", "ALIVE", 1, None), (4, "Someone Other", "M", "1955-01-01", "ALIVE", 9, None),
        (5, "Zubaida Khatoon", "F", "1950-01-01", "DECEASED", 9, None), (7, "Rashid Karim", "M", "1990-01-01", "ALIVE", 1, None),
        (8, "Old Stranger", "M", "1962-01-01", "ALIVE", 1, None),
    ]  # fmt: skip
    for line, name, sex, born, status, father, spouse in rows:
        c.execute(
            "INSERT INTO identity_nationalidrecord (type, token, ciphertext, name, name_native, father_name, husband_name, sex,"
            " birth_date, status, marital, father_token, spouse_token, batch_id)"
            " VALUES ('CNIC', %s, %s, %s, '', '', '', %s, %s, %s, 'M', %s, %s, 11)",
            [token(line), keys.encrypt(number(line)), name, sex, born, status, token(father) if father else None,
             token(spouse) if spouse else None],
        )  # fmt: skip


def crvs_people() -> dict[str, dict[str, Any]]:
    """Return what civil registration knows, as the standard writes it."""
    sex = {"M": "male", "F": "female"}
    return {
        number(line): {
            "@type": "CRVS_Person", "identifier": [{"identifier_type": "CNIC", "identifier_value": number(line)}],
            "name": {"given_name": name, "surname": ""}, "sex": sex[s], "birth_date": f"{year}-05-05T00:00:00Z",
        }
        for line, (_household, name, s, year) in PEOPLE.items() if line != 6
    }  # fmt: skip


@pytest.fixture(scope="module")
def village(database: str, tokens: Callable[..., str]) -> Iterator[Village]:
    from khana.access import services as access
    from khana.platform import embedded, installation
    from khana.sharing.services import asking

    installation.put(country="pak")
    with psycopg.connect(**{**embedded.connection_parameters("owner"), "dbname": database}) as owner:
        for table in (
            "verification",
            "extractload",
            "civilevent",
        ):  # past row security for the owner alone: to look and to forget
            owner.execute(f"ALTER TABLE identity_{table} NO FORCE ROW LEVEL SECURITY")  # type: ignore[call-overload]
        persons, households = _fill(owner)
        _extract(owner)
    authority = Emulator(people=crvs_people())
    authority.start()
    made = Village(database, persons, households, tokens("data_steward"), tokens("registrar", area_code="PK101"),
                   tokens("administrator"), authority)  # fmt: skip
    with access.scoped(made.administrator):
        asking.connect(
            code="crvs", address=f"{authority.address}/registry", sender_id="crvs.test", profile="jws-compact",
            jwks=authority.signer.jwks(), token_address=f"{authority.address}/token", client_id="khana",
            client_secret="s3cret", at=datetime.now(UTC),
        )  # fmt: skip
    yield made
    authority.stop()
