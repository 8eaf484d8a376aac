"""Two districts, two agencies, one row of each pair in every table, and users of every role.

Rows: a = agency X in district A, b = Y in B, c = X in B, d = Y in A; m = mine: what the registrar
of district A brought or asked for herself. `Probe` says, for one user and one table, which of them
she reads, adds, changes and removes.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import psycopg

A, B = "PK.PA.DA.", "PK.PA.DB."
ROWS = {"a": ("X", A), "b": ("Y", B), "c": ("X", B), "d": ("Y", A), "m": ("", A)}
IDS = {key: 9_000_001 + number for number, key in enumerate(ROWS)}
AT = datetime(2026, 1, 1, tzinfo=UTC)
USERS = {  # name: role, area code, agency
    "steward": ("data_steward", "", ""),
    "admin": ("administrator", "", ""),
    "registrar_a": ("registrar", "DA", ""),
    "registrar_b": ("registrar", "DB", ""),
    "registrar_xa": ("registrar", "DA", "X"),
    "officer_x": ("programme_officer", "", "X"),
    "officer_y": ("programme_officer", "", "Y"),
    "officer_xa": ("programme_officer", "DA", "X"),
    "officer_xp": ("programme_officer", "", "X"),
    "officer_xq": ("programme_officer", "", "X"),
    "grievance_a": ("grievance_officer", "DA", ""),
    "analyst": ("analyst", "", ""),
    "auditor": ("auditor", "", ""),
    "keeper": ("key_owner", "", ""),
    "protector": ("data_protection_officer", "", ""),
    "enumerator": ("enumerator", "DA", ""),
    "partner": ("partner", "", ""),
    "developer": ("partner_developer", "", ""),
}
PROGRAMMES = {"officer_xp": "PX", "officer_xq": "PQ"}  # a grant of one programme; PQ has no rows
PURPOSES: dict[str, str] = {}
DEFAULTS = {
    "text": "", "character varying": "", "bigint": 1, "integer": 1, "smallint": 1, "numeric": 1, "bytea": b"\0" * 32,
    "jsonb": "[]", "timestamp with time zone": AT, "date": AT.date(), "boolean": True, "uuid": None,
    "double precision": 0.0,
}  # fmt: skip


@dataclass
class World:
    """The users' numbers and tokens, and how to make a row of any table."""

    ids: dict[str, int] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    columns: dict[str, list[tuple[str, str, bool]]] = field(default_factory=dict)
    statements: dict[str, str] = field(default_factory=dict)

    def read_columns(self, connection: psycopg.Connection) -> None:
        rows = connection.execute(
            "SELECT table_name, column_name, data_type, is_nullable = 'NO' FROM information_schema.columns"
            " WHERE table_schema = 'public' ORDER BY ordinal_position"
        )
        for table, column, kind, needed in rows:
            self.columns.setdefault(table, []).append((column, kind, needed))

    def row(self, table: str, key: str, actor: int, is_new: bool) -> dict[str, object]:
        """Return the values of one row; a new one collides with nothing that is there."""
        agency, area = ROWS[key]
        number = IDS[key] + (1000 if is_new else 0)
        special: dict[str, object] = {
            "id": number, "agency": agency, "area_path": area, "batch_id": IDS[key], "agencies": json.dumps([agency]),
            "programme": f"P{agency}", "received_by": actor, "actor_id": actor, "created_by": actor, "proposed_by": actor,
            "code": f"P{agency}" if not is_new else f"new-{key}", "number": str(number), "uuid": None,
            "sha256": f"{number:064d}", "scheme": str(number), "source_code": str(number), "version": number, "line": number,
            "valid_to": None, "superseded_at": None, "retired_at": None, "closed_at": None,
            "queued_at": datetime.now(UTC), "username": f"u{number}", "user_id": number, "event_id": number,
            "token_hash": number.to_bytes(32, "big"), "token": number.to_bytes(32, "big"), "role": "analyst",
            "state": "QUEUED", "instance_id": str(number), "submission_id": IDS[key], "status": "VERIFIED", "name": "Amina Bibi" if area == A else "Zubaida Khatoon",
            "fingerprint": str(number), "left_area_path": area, "current_area_path": area, "approved_by": actor, "labelled_by": actor, "left_id": number,
        }  # fmt: skip
        if table.startswith(("registry_", "assessment_", "beneficiaries_")):
            special |= {"person_id": IDS[key], "household_id": IDS[key]}
        if table in ("registry_householdversion", "beneficiaries_benefit"):
            special |= {"mobile_ciphertext": b"m", "id_token": number.to_bytes(32, "big")}
        if table in ("registry_householdversion", "identity_simrecord"):
            special |= {"mobile_token": number.to_bytes(32, "big"), "id_token": number.to_bytes(32, "big")}
        if table == "identity_publicemployee":
            special |= {"status": "SERVING", "id_token": number.to_bytes(32, "big")}
        if table == "access_erasure":
            special |= {"person_id": IDS[key]}
        if table == "identity_familycheck":
            special |= {"result": "MANUAL"}
        if table == "identity_civilevent":
            special |= {"state": "RECEIVED", "kind": "DEATH"}
        of_states = {
            "beneficiaries_enrolment": {"state": "WAITLISTED" if key == "d" and not is_new else "ENROLLED", "id_token": number.to_bytes(32, "big")},
            "beneficiaries_stop": {
                "state": "PROPOSED" if is_new else "EFFECTIVE", "recipient_id": number, "id_token": number.to_bytes(32, "big")
            },
            "beneficiaries_run": {"state": "DONE"},
            "intake_questionevidence": {"question": str(number)},
            "beneficiaries_recipient": {"run_id": IDS["m"], "programmes": '["PY"]'},
            "programmes_programme": {"incompatible_with": '["PY"]' if agency == "X" else "[]"},
            "beneficiaries_trial": {"state": "TRIED", "approved_by": None},
            "beneficiaries_transition": {"state_to": str(number)},
            "beneficiaries_reopened": {"subject_id": number},
        }  # fmt: skip
        special |= of_states.get(table, {})
        special |= {"partner_user_id": actor, "asked_by": actor, "drafted_by": actor}
        if table.startswith("sharing_"):
            of_partner = self.ids["partner"] if key == "a" and not is_new else number
            special |= {"state": "DRAFT", "ended_at": None, "agreement_id": IDS[key], "user_id": of_partner, "person_id": IDS[key],
                        "partner_id": IDS[key], "valid_to": datetime(2050, 1, 1, tzinfo=UTC), "sender_id": str(number), "message_id": str(number), "secret_hash": hashlib.sha256(b"s").digest(),
                        "code": str(number), "day": AT.date(), "slot": number % 16 + 16 * is_new, "expires_at": datetime(2050, 1, 1, tzinfo=UTC),
                        "tries": 0, "code_hash": b"c" * 32, "extract_number": str(IDS[key]), "delivered_at": AT, "subject_id": number,
                        "is_sandbox": False}  # fmt: skip
            if not is_new:
                special |= {"drafted_by": number, "asked_by": number}
        if table == "intake_questionevidence":
            special |= {"question": str(number)}
        if table == "access_legalhold":  # three of the four partners' messages are held
            special |= {"rule": "MESSAGES", "subject": f"partner:{IDS[key]}", "placed_by": actor}
            special |= {"ended_at": AT} if key == "m" else {}
        if table == "access_watchedsubject":
            special |= {"subject": f"person:{IDS[key]}", "user_id": None}
        if table == "monitoring_publication":
            special["withdrawn_at"] = AT if key in "cd" and not is_new else None
        if table == "linkage_opening":
            special |= {"state": "ASKED", "asked_by": 0}  # waits for an answer of somebody else
        if table == "intake_questionevidence":
            special["question"] = f"q{number}"
        if table.startswith("programmes_"):  # a list of each, with one entry that may be removed
            pair = {"c": "a", "d": "b"}.get(key, key)  # two approvals of one list
            special |= {"list_id": IDS[pair if table == "programmes_listapproval" else key], "household_id": number,
                        "unit": f"U{IDS[key] if table == 'programmes_listchange' else number}", "from_state": "SELECTED",
                        "to_state": "REMOVED", "drawn_state": "SELECTED", "head_hash": "", "lodged_by": actor,
                        "recorded_by": actor, "event_id": None, "budget": None,
                        "state": {"programmes_filterappeal": "LODGED", "programmes_selectionlist": "OPEN", "programmes_proposal": "PROPOSED",
                                  "programmes_listentry": "SELECTED"}.get(table, "")}  # fmt: skip
            if table in ("programmes_disasterevent", "programmes_selectionlist", "programmes_exclusionfilter"):
                special["code"] = f"c{number}"
            if table == "programmes_exclusionfilter":
                special |= {"programmes": '["PX"]', "withdrawn_from": None}
            if table == "programmes_quota":
                special["places"] = 1
            if table == "programmes_listapproval" and not is_new:
                special["actor_id"] = number
        if table == "sharing_developer" and key == "a" and not is_new:
            special["user_id"] = self.ids["developer"]
        if table in ("grievances_case", "programmes_filterappeal"):
            special |= {"person_id": number} | (
                {"state": "OPEN", "lodged_by": "OFFICER"} if table == "grievances_case" else {}
            )
        if key == "d" and not is_new:  # a score of her own page: an override for some weeks, then the model in force
            special |= {
                "assessment_override": {"confirmed_at": AT, "score": 2, "ends_on": AT.date() + timedelta(days=140)},
                "assessment_score": {"model_id": IDS["d"]},
                "assessment_activation": {"model_id": IDS["d"], "confirmed_at": AT, "effective_to": None},
            }.get(table, {})  # fmt: skip
        if table == "intake_duevisit":  # a household is due once
            special["household_id"] = number
        if table == "sharing_approval":
            special["extract_id"] = None
            if not is_new:
                special["actor_id"] = number
        values = {}
        for column, kind, needed in self.columns[table]:
            value = special.get(column) if column in special else (DEFAULTS[kind] if needed else None)
            if column.endswith("ciphertext") and column not in special:
                value = b"\0" * 32
            if column == "uuid" or (column, kind) == ("transaction", "uuid"):
                value = f"00000000-0000-0000-0000-{number:012d}"
            if value is not None or needed:
                values[column] = value
        if table == "programmes_programme" and not is_new and key in "cd":
            values["code"] = f"P{agency}2"
        if table in ("registry_alias", "linkage_clustermember", "linkage_approval"):  # each of one of its own
            own = {"person_id": number, "current_id": number + 500, "model_id": number, "needs_second": False}
            values |= {name: value for name, value in own.items() if name in values}
        if table == "registry_alias" and key == "a" and not is_new:
            values |= {"current_id": IDS["d"], "valid_from": AT}  # a merged file: her own page must show the other
        if table in ("programmes_programme", "beneficiaries_source") and key == "m":
            values["code"] = f"m{number}"
        if table == "identity_authority":
            values["code"] = f"i{number}"
        if table in ("intake_form", "intake_registrationpoint", "registry_dwelling"):
            values["code"] = f"f{number}"
        if table.startswith("intake_"):  # each desk, stop, device and target is another one
            own = {
                "point_id": number,
                "question": str(number),
                "device_id": str(number),
                "reference": str(number),
                "households": number,
            }
            values |= {name: value for name, value in own.items() if name in values}
            values |= {"begins": AT.date() + timedelta(days=number % 9000)} if "begins" in values else {}
        if table == "beneficiaries_source":
            values["code"] = f"s{number}"
        return values

    def insert(self, connection: psycopg.Connection, table: str, values: dict[str, object]) -> None:
        names, marks = ", ".join(f'"{name}"' for name in values), ", ".join(["%s"] * len(values))
        connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(values.values()))  # type: ignore[arg-type]


def make(owner: psycopg.Connection, superuser: psycopg.Connection, tables: list[str]) -> World:
    """Fill the database; users by the owner's functions, rows by the superuser, past all policies."""
    world = World()
    world.read_columns(superuser)
    for code, path in (("PK", "PK."), ("PA", "PK.PA."), ("DA", A), ("DB", B)):
        superuser.execute(
            "INSERT INTO geo_area (country, scheme, code, level, path, name, names, aliases, valid_from)"
            " VALUES ('PAK', 't', %s, 0, %s, %s, '{}', '[]', '2020-01-01')",
            [code, path, code],
        )
    for name, (role, area, agency) in USERS.items():
        (world.ids[name],) = owner.execute(
            "SELECT khana_private.access_add_user(%s, %s, 'en', 'STAFF', %s, %s, NULL, %s)",
            [name, name.title(), bytes([7]) * 16, bytes(32), AT],
        ).fetchone()  # type: ignore[misc]
        owner.execute(
            "SELECT khana_private.access_give(%s, %s, %s, %s, %s, %s, %s, NULL, %s)",
            [name, role, area, agency, PROGRAMMES.get(name, ""), PURPOSES.get(name, ""), AT, AT],
        )
        for kind in ("TRAINING", "UNDERTAKING"):
            owner.execute(
                "SELECT khana_private.access_clear(%s, %s, 'course', '', '2026-01-01', '2050-01-01', %s)",
                [name, kind, AT],
            )
        (world.tokens[name],) = owner.execute(
            "SELECT khana_private.access_first_token(%s, interval '1 day')", [name]
        ).fetchone()  # type: ignore[misc]
    superuser.execute("SET session_replication_role = replica")  # no keys checked: rows stand alone
    for table in tables:
        for key in ROWS:
            actor = world.ids["registrar_a" if key == "m" else "steward"]
            world.insert(superuser, table, world.row(table, key, actor, is_new=False))
    superuser.execute("SET session_replication_role = origin")
    superuser.execute(  # what a trigger does, which the line above switched off
        "INSERT INTO khana_private.name_word (word) SELECT unnest(ARRAY['amina', 'bibi', 'zubaida', 'khatoon'])"
    )
    return world


@dataclass
class Probe:
    """What one user does to one table, each try undone."""

    connection: psycopg.Connection
    world: World

    def become(self, user: str | None) -> None:
        token = self.world.tokens[user] if user else ""
        self.connection.execute("SELECT set_config('khana.token', %s, true)", [token])

    def reads(self, table: str) -> str:
        try:
            with self.connection.transaction():
                rows = self.connection.execute(f"SELECT id FROM {table} WHERE id = ANY(%s)", [list(IDS.values())])  # type: ignore[arg-type]
                seen = {row[0] for row in rows.fetchall()}
        except psycopg.errors.InsufficientPrivilege:
            return "-"
        return "".join(key for key, number in IDS.items() if number in seen)

    def adds(self, table: str, user: str | None) -> str:
        actor = self.world.ids[user] if user else 0
        return "".join(key for key in ROWS if self._adds(table, self.world.row(table, key, actor, is_new=True)))

    def _adds(self, table: str, values: dict[str, object]) -> bool:
        try:
            with self.connection.transaction(force_rollback=True):
                self.world.insert(self.connection, table, values)
        except psycopg.errors.InsufficientPrivilege:
            return False
        return True

    def blind(self, table: str, verb: str, column: str = "") -> int:
        """Return how many rows a statement reaches that reads nothing: no policy for reading holds it."""
        statement, values = f"DELETE FROM {table}", []
        if verb == "UPDATE":
            kind = next(kind for name, kind, _ in self.world.columns[table] if name == column)
            statement, values = f"UPDATE {table} SET {column} = %s", [DEFAULTS[kind]]
        try:
            with self.connection.transaction(force_rollback=True):
                return self.connection.execute(statement, values).rowcount  # type: ignore[arg-type]
        except psycopg.errors.InsufficientPrivilege:
            return 0

    def changes(self, table: str, verb: str, column: str = "") -> str:
        statement = f"UPDATE {table} SET {column} = {column}" if verb == "UPDATE" else f"DELETE FROM {table}"
        done = ""
        for key, number in IDS.items():
            try:
                with self.connection.transaction(force_rollback=True):
                    done += key * (self.connection.execute(f"{statement} WHERE id = %s", [number]).rowcount == 1)  # type: ignore[arg-type]
            except psycopg.errors.InsufficientPrivilege:
                return "-"
        return done
