"""Row security, table by table and policy by policy, as the roles of the web and of the worker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from .expected import CLOSED, EXTRA, OPEN, TABLES, Expect
from .world import IDS, USERS, A, Probe, World

pytestmark = pytest.mark.usefixtures("world")


@contextmanager
def acting(root: psycopg.Connection, role: str, before: str = "") -> Iterator[psycopg.Connection]:
    """Act as a database role in a transaction that is undone, after the superuser changed something.

    The owner loses BYPASSRLS, so that what its definer functions need is seen too.
    """
    with root.transaction(force_rollback=True):
        root.execute("ALTER ROLE khana_owner NOBYPASSRLS")
        if before:
            root.execute(before)  # type: ignore[arg-type]
        root.execute(f"SET LOCAL SESSION AUTHORIZATION khana_{role}")  # type: ignore[arg-type]
        yield root


def outcome(connection: psycopg.Connection, world: World, table: str, expect: Expect) -> dict[str, dict[str, object]]:
    """Return what every user, and nobody, does to a table."""
    probe = Probe(connection, world)
    found: dict[str, dict[str, object]] = {name: {} for name in ("s", "i", "u", "d", "frozen", "blind u", "blind d")}
    for user in [*USERS, None]:
        probe.become(user)
        done: dict[str, object] = {"s": probe.reads(table), "i": probe.adds(table, user)}
        if expect.column:
            done["u"] = probe.changes(table, "UPDATE", expect.column)
            done["blind u"] = probe.blind(table, "UPDATE", expect.column)
        if expect.frozen:
            done["frozen"] = probe.changes(table, "UPDATE", expect.frozen).replace("-", "")
        done["blind d"] = probe.blind(table, "DELETE")
        done["d"] = probe.changes(table, "DELETE").replace("-", "")
        for verb, rows in done.items():
            if rows:
                found[verb][str(user)] = rows
    return found


def wanted(table: str) -> dict[str, object]:
    expect, extra = TABLES[table], EXTRA.get(table, 0)
    blind = {
        f"blind {verb}": {user: len(rows) + extra for user, rows in getattr(expect, verb).items()} for verb in "ud"
    }
    return {"s": expect.s, "i": expect.i, "u": expect.u, "d": expect.d, "frozen": {}, **blind}


@pytest.mark.parametrize("table", TABLES)
def test_each_user_reaches_her_rows_and_no_others(root: psycopg.Connection, world: World, table: str) -> None:
    with acting(root, "web") as connection:
        assert outcome(connection, world, table, TABLES[table]) == wanted(table)


def test_every_table_is_guarded_or_named_with_a_reason(root: psycopg.Connection) -> None:
    rows = root.execute(
        "SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity FROM pg_class c"
        " JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'v', 'm', 'f')"
    ).fetchall()
    assert {name for name, _ in rows} == {*TABLES, *OPEN, *CLOSED}
    assert {name for name, is_forced in rows if not is_forced} == set(OPEN)


def test_closed_tables_give_nothing(root: psycopg.Connection, world: World) -> None:
    for role in ("web", "worker"):
        for table in (*CLOSED, "khana_private.access_pepper", "khana_private.name_word"):
            for verb in ("SELECT 1 FROM {}", "INSERT INTO {} DEFAULT VALUES", "DELETE FROM {}", "TRUNCATE {}"):
                with acting(root, role) as connection:
                    Probe(connection, world).become("admin")
                    with pytest.raises(psycopg.errors.InsufficientPrivilege):
                        connection.execute(verb.format(table))  # type: ignore[arg-type]


def test_no_table_can_be_truncated_or_changed_in_shape(root: psycopg.Connection, world: World) -> None:
    for table in TABLES:
        for statement in (
            f"TRUNCATE {table}",
            f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
            f"DROP TABLE {table}",
        ):
            with acting(root, "worker") as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)  # type: ignore[arg-type]


def _policies() -> list[tuple[str, str]]:
    """Name the policies without a database: what the migrations write."""
    from khana.platform import embedded  # noqa: F401 - settings are up

    verbs = {"s": "select", "i": "insert", "u": "update", "d": "delete"}
    named = [(t, f"{t}_{verb}") for t, e in TABLES.items() for letter, verb in verbs.items() if getattr(e, letter)]
    return named


OWNER = [
    *CLOSED, "access_alarm", "access_watchedsubject", "access_legalhold", "access_erasure", "identity_familycheck", "platform_jobrun", "audit_event", "audit_seal", "geo_area", "registry_personversion", "registry_identifier",
    "sharing_partner", "sharing_agreement", "sharing_approval", "sharing_extract", "sharing_extractperson", "sharing_refusal",
    "sharing_usage", "registry_person", "registry_membership", "registry_household", "registry_alias", "assessment_score",
    "registry_householdversion", "beneficiaries_benefit", "intake_submission", "identity_nationalidrecord",
    "identity_simrecord", "identity_consent", "identity_civilevent", "identity_verification", "deliveries_quarantinedrow", "beneficiaries_exitrecord",
    "identity_publicemployee", "registry_resident", "sharing_message", "sharing_subscription", "assessment_snapshot", "linkage_opening",
    "programmes_selectionlist", "programmes_listentry", "programmes_listapproval",
    "sharing_notice", "sharing_wish",
    "beneficiaries_run", "beneficiaries_recipient", "beneficiaries_enrolment", "beneficiaries_stop", "beneficiaries_answer",
    "beneficiaries_reopened", "programmes_programme", "programmes_exclusionfilter",
    "assessment_override", "assessment_activation", "programmes_filterappeal", "grievances_case", "sharing_developer",
    "access_tombstone", "platform_storedfile", "deliveries_batch", "beneficiaries_source", "beneficiaries_finding", "linkage_pair", "linkage_label",
    "linkage_clustermember", "beneficiaries_trial", "monitoring_indicatorsnapshot", "monitoring_budget", "intake_submissionpart",
    "monitoring_report", "assessment_modelversion", "intake_formversion",
]  # fmt: skip
WORKER = ["platform_jobrun_worker_select", "platform_jobrun_worker_update"]


def test_the_list_of_policies_is_complete(root: psycopg.Connection) -> None:
    there = {row[0] for row in root.execute("SELECT policyname FROM pg_policies").fetchall()}
    assert there == {name for _, name in _policies()} | {f"{table}_owner" for table in OWNER} | set(WORKER)


@pytest.mark.parametrize(("table", "policy"), _policies())
def test_without_a_policy_the_probe_fails(root: psycopg.Connection, world: World, table: str, policy: str) -> None:
    with acting(root, "web", f"DROP POLICY {policy} ON {table}") as connection:
        assert outcome(connection, world, table, TABLES[table]) != wanted(table)


@pytest.mark.parametrize(("table", "policy"), _policies())
def test_a_policy_that_lets_everything_through_is_seen(
    root: psycopg.Connection, world: World, table: str, policy: str
) -> None:
    clause = "WITH CHECK (true)" if policy.endswith("_insert") else "USING (true)"
    with acting(root, "web", f"ALTER POLICY {policy} ON {table} {clause}") as connection:
        assert outcome(connection, world, table, TABLES[table]) != wanted(table)


_TOKENS = f"ARRAY['\\x{IDS['a']:064x}'::bytea]"
_CODE = "'" + "\\x" + "63" * 32 + "'::bytea, '2026-05-05'"
_START = f"CASE WHEN khana_private.citizen_start({_TOKENS}, {_CODE}) IS NOT NULL THEN"
_ASK = f"khana_private.beneficiaries_ask_whole(NULL, {_TOKENS}, 'PX', 3, '2026-05-05', '2026-05-05')"
_KEEP = (
    f"khana_private.beneficiaries_keep_answer(NULL, {_TOKENS}, 'PX', 'NO', '[]',"
    ' \'{"area_path": "XA.", "persons": []}\', \'2026-05-05\')'
)
_FILE = f"khana_private.citizen_file({_TOKENS}, {_CODE})"
_LATER = f"SELECT CASE WHEN khana_private.citizen_start({_TOKENS}, {_CODE}) IS NOT NULL THEN".replace("05-05", "06-05")
CITIZEN = (  # each says that it found what only the owner of the database may read
    f"SELECT {_START} true END",
    f"SELECT {_START} ({_FILE}->>'person')::bigint = {IDS['d']} END",  # by the alias of a merged file
    f"SELECT {_START} ({_FILE}->>'name') = 'Amina Bibi' END",
    f"SELECT {_START} ({_FILE}->'household'->>'score')::numeric = 2 END",  # an override that is confirmed
    f"{_LATER} ({_FILE.replace('05-05', '06-05')}->'household'->>'score')::numeric = 1 END",  # it ended: the model in force
    f"SELECT {_START} (SELECT string_agg(DISTINCT c->>'kind', ' ' ORDER BY c->>'kind') FROM json_array_elements({_FILE}->'cases') c)"
    " = 'APPEAL CORRECTION OBJECTION STOP' END",
    f"SELECT {_START} khana_private.citizen_correct({_TOKENS}, {_CODE.split(',')[0]}, 'OTHER', '2026-06-01', '2026-05-05') END",
    f"SELECT {_START} json_array_length({_FILE}->'extracts') > 0 AND json_array_length({_FILE}->'refusals') > 0"
    f" AND json_array_length({_FILE}->'programmes') > 0 END",
    f"SELECT {_START} khana_private.citizen_say({_TOKENS}, {_CODE.split(',')[0]}, 'CONSENT_WITHDRAWN', '2026-05-05') END",
)


DOORS = """
INSERT INTO access_passkey (user_id, credential, algorithm, public_key, use_count, domain, name, made_at)
SELECT id, '\\x01', 'ES256', '\\x02', 0, 'localhost', 'hers', now() FROM access_user WHERE username = 'steward';
INSERT INTO access_provider (issuer, client, title, authorise_url, exchange_url, keys_url, keys, keys_at, demanded_class, set_at)
VALUES ('https://id', 'khana', 'Government', 'https://id/a', 'https://id/b', 'https://id/c', '{}', now(), '', now());
INSERT INTO access_link (user_id, issuer, subject, made_at)
SELECT id, 'https://id', 'S', now() FROM access_user WHERE username = 'steward';
SET LOCAL session_replication_role = replica;
INSERT INTO platform_storedfile (id, sha256, size, name, stored_at)
SELECT 9100000 + n, repeat(to_hex(n), 64), 1, 'f', '2001-01-01' FROM generate_series(1, 5) n;
INSERT INTO deliveries_batch (id, contract_id, file_id, file_name, entity, source_code, agency, state, rows_in, rows_loaded,
    rows_quarantined, lines_not_data, rows_sha256, error_code, error_message, received_at, loaded_at, over_at, received_by)
SELECT 9100000 + n, 1, 9100000 + n, 'f', 'benefit', CASE WHEN n < 3 THEN 'M' ELSE 'K' END, 'X', CASE n WHEN 5 THEN 'FAILED' ELSE 'LOADED' END,
    1, 1, 0, 0, '', '', '', '2001-01-01', '2001-01-01', CASE n WHEN 1 THEN timestamptz '2011-01-01' END, 1 FROM generate_series(1, 5) n;
INSERT INTO beneficiaries_source (id, code, title, agency, programmes, contract_code, frequency, is_kept_here, created_at)
VALUES (9100001, 'K', 'kept here', 'X', '[]', '', '', true, now());
INSERT INTO beneficiaries_benefit (id, batch_id, source_code, agency, file_name, sheet, line, programme, period, area_code, area_path,
    id_raw_state, id_type, name, guardian_name, sex, payee_id_raw_state, payee_name, notes, facts)
SELECT 9100000 + n, 9100000 + n, 'M', 'X', 'f', '', 1, 'PX', '', '', '', '', '', '', '', '', '', '', '[]', '{}' FROM generate_series(1, 4) n;
INSERT INTO beneficiaries_finding (run_id, benefit_id, source_code, agency, programme, area_path, file_name, sheet, line, code, role, severity,
    household_number, detail) VALUES (1, 9100001, 'M', 'X', 'PX', '', 'f', '', 1, 'X', '', '', '', '');
INSERT INTO linkage_pair (id, run_id, left_kind, left_id, left_role, right_id, area_path, left_area_path, match_weight, probability, bits,
    contradiction, stratum, decision, stake, gain, wants_second)
VALUES (9100001, 1, 'ROW', 9100001, 'payee', 9100002, '', '', 1, 1, '{}', '', '', 'REVIEW', 0, 0, false),
    (9100002, 1, 'PERSON', 9100001, '', 9100003, '', '', 1, 1, '{}', '', '', 'REVIEW', 0, 0, false);
INSERT INTO linkage_pair (id, run_id, left_kind, left_id, left_role, right_kind, right_id, right_role, area_path, left_area_path, match_weight,
    probability, bits, contradiction, stratum, decision, stake, gain, wants_second)
VALUES (9100003, 1, 'ROW', 9100003, '', 'ROW', 9100001, '', '', '', 1, 1, '{}', '', '', 'REVIEW', 0, 0, false);
INSERT INTO linkage_label (pair_id, area_path, left_area_path, outcome, origin, stratum, is_sampled, labelled_by, labelled_at)
SELECT 9100000 + n, '', '', 'SAME', 'PAGE', '', false, 1, now() FROM generate_series(1, 2) n;
INSERT INTO linkage_clustermember (run_id, cluster, person_id, area_path) VALUES (1, 9100001, 9100001, '');
INSERT INTO registry_person (id, area_path, created_at) VALUES (9100001, '', '2001-01-01');
INSERT INTO registry_personversion (person_id, area_path, valid_from, recorded_at, name, name_native, guardian_name, sex, birth_year, marital,
    facts) VALUES (9100001, '', '2001-01-01', '2001-01-01', '', '', '', '', 1980, '', '{}');
INSERT INTO access_erasure (id, person_id, area_path, rule, reason, asked_by, asked_at, counts)
VALUES (9100001, 9100001, '', 'REQUEST', '', 0, now(), '{}');
SET LOCAL session_replication_role = origin;
DO $$ BEGIN EXECUTE (SELECT format('SET CONSTRAINTS %I IMMEDIATE', conname) FROM pg_constraint
    WHERE conrelid = 'linkage_label'::regclass AND confrelid = 'linkage_pair'::regclass); END $$;
"""


def functions(connection: psycopg.Connection, world: World) -> list[object]:
    """Ask every definer function that reads or writes a table; an error is an answer too."""
    probe, answers = Probe(connection, world), []
    asked = [
        ("registrar_a", "SELECT khana_private.access_has('registry.read')"),
        ("admin", "SELECT khana_private.access_salt('steward') = decode(repeat('07', 16), 'hex')"),
        ("registrar_a", "SELECT count(*) FROM khana_private.registry_search_names('Amina', 50)"),
        (
            "registrar_a",
            f"SELECT count(*) FROM khana_private.registry_numbers_held('', ARRAY['\\x{IDS['b']:064x}'::bytea])",
        ),
        ("admin", "SELECT khana_private.access_add_grant('analyst', 'analyst', 'DA', '', now()) > 0"),
        ("admin", "SELECT khana_private.access_list_users() IS NOT NULL LIMIT 1"),
        ("protector", f"SELECT khana_private.access_close_alarm({IDS['a']}, 'EXPLAINED', 'she was asked', now())"),
        (
            "admin",
            "SELECT waits FROM khana_private.access_give('analyst', 'auditor', '', '', '', '', NULL, NULL, now())",
        ),
        ("admin", "SELECT count(*) > 0 FROM khana_private.access_clearances('analyst')"),
        (
            "protector",
            f"SELECT khana_private.audit_record('test.read', 'person:{IDS['a']}', '{{}}', now()) > 0, khana_private.access_watch('UTC')",
        ),
        ("protector", "SELECT khana_private.retention_run('MESSAGES', now(), 100)"),
        ("keeper", "SELECT sum(held)::int FROM khana_private.reseal_counts()"),
        (None, f"SELECT count(*) > 0 FROM khana_private.intake_slip_state({IDS['a']})"),
        ("registrar_a", "SELECT khana_private.audit_record('test.done', 'x', '{}', now()) > 0"),
        ("registrar_a", "SELECT khana_private.audit_seal(10) > 0"),
        ("registrar_a", f"SELECT length(khana_private.access_adopt_job('00000000-0000-0000-0000-{IDS['m']:012d}'))"),
        ("registrar_a", "SELECT length(khana_private.access_make_token(interval '1 hour'))"),
        ("admin", f"SELECT length(khana_private.sharing_client_token('{IDS['a']}', 's', 60))"),
        ("partner", "SELECT khana_private.sharing_count(1, 0, '2026-05-05')"),
        (
            "admin",
            "INSERT INTO sharing_approval (agreement_id, actor_id, approved_at)"
            f" VALUES ({IDS['a']}, {world.ids['admin']}, now()) RETURNING id > 0",
        ),
        (
            "admin",
            "INSERT INTO sharing_approval (extract_id, actor_id, approved_at)"
            f" VALUES ({IDS['a']}, {world.ids['admin']}, now()) RETURNING id > 0",
        ),
        (
            "registrar_a",
            "SELECT khana_private.linkage_ask_opening('', '', '', NULL, "
            f"ARRAY['\\x{IDS['b']:064x}'::bytea], '{{}}', 'x', now()) > 0",
        ),
        ("officer_x", f"SELECT outcome || reasons::text || missing::text, whose->'run' FROM {_ASK}"),
        ("officer_x", f"SELECT {_KEEP} > 0"),
        ("officer_x", f"SELECT khana_private.beneficiaries_reopen({IDS['a']}, {IDS['b']}, 'S', '2026-05-05') > 1"),
        *((None, statement) for statement in CITIZEN),
        (
            "registrar_a",
            f"SELECT count(*) FROM khana_private.identity_records(ARRAY['\\x{IDS['a']:064x}'::bytea, '\\x{IDS['b']:064x}'])",
        ),
        ("registrar_a", f"SELECT comes_from FROM khana_private.identity_telephone({IDS['a']})"),
        ("admin", "SELECT count(*) FROM khana_private.sharing_open_subscriptions('')"),
        (
            "developer",
            "SELECT json_array_length(p->'subscriptions') + (p->'subscriptions'->0->>'waiting')::int >= 1, (SELECT count(*) > 0 FROM"
            " khana_private.sharing_my_calls(p->>'partner', false, now(), 9)) FROM khana_private.sharing_my_partner('2026-01-01') p",
        ),
        ("steward", f"SELECT khana_private.identity_place_events(NULL, ARRAY[{IDS['a']}::bigint], now())"),
        (
            "registrar_a",
            "SELECT khana_private.identity_consent("
            f"'00000000-0000-0000-0000-{IDS['a']:012d}', '\\x00', now(), interval '1 day')",
        ),
        (
            "registrar_a",
            "INSERT INTO programmes_listchange (list_id, agency, area_path, unit, kind, from_state, to_state, reason, minutes,"
            f" recorded_by, recorded_label, recorded_at) VALUES ({IDS['m']}, '', '{A}', 'U{IDS['m']}', 'OFFICE', 'SELECTED',"
            f" 'REMOVED', '', '', {world.ids['registrar_a']}, '', now()) RETURNING id > 0",
        ),
        (
            "steward",
            "UPDATE programmes_selectionlist SET state = 'FROZEN', frozen_hash = 'x', frozen_by = 1, frozen_at = now()"
            f" WHERE id = {IDS['a']} RETURNING id > 0",
        ),
        (
            "steward",
            "INSERT INTO programmes_listentry (list_id, agency, area_path, unit, household_id, household_number, quota_area, place, tie,"
            f" drawn_state, state) VALUES ({IDS['b']}, 'Y', '{A}', 'new', 1, '1', '', 1, '', 'WAITING', 'WAITING') RETURNING id > 0",
        ),
        ("protector", f"SELECT khana_private.erasure_against({IDS['a']})"),
        (
            "admin",
            "SELECT (SELECT count(*) FROM khana_private.access_passkeys('steward')), length(khana_private.access_passkey_riddle())",
        ),
        (
            "admin",
            "SELECT (SELECT count(*) FROM khana_private.access_provider_now()),"
            " (SELECT count(*) FROM khana_private.access_links('steward'))",
        ),
        ("officer_x", f"SELECT json_array_length(against->'filters') > 0 FROM {_ASK}"),
        (
            "registrar_a",
            f"SELECT string_agg(DISTINCT kind, ' ') FROM khana_private.programmes_against(ARRAY[{IDS['a']}, {IDS['b']}], '2027-01-01')",
        ),
        ("protector", "SELECT done, findings, pairs FROM khana_private.retention_lists_step(9100001, 10)"),
        (
            "protector",
            "SELECT rule, batch_id, goes, waits FROM (VALUES ('LISTS'), ('UNREAD')) r(rule),"
            " LATERAL khana_private.retention_preview(r.rule, now()) p WHERE batch_id > 9100000 ORDER BY 1",
        ),
        ("protector", "SELECT khana_private.erasure_confirm(9100001)"),
    ]
    for user, statement in asked:
        probe.become(user)
        try:
            with connection.transaction(force_rollback=True):
                answers.append(connection.execute(statement).fetchall())  # type: ignore[arg-type]
        except psycopg.Error as error:
            answers.append(error.sqlstate)
    return answers


def test_definer_functions_work_for_an_owner_that_policies_hold(root: psycopg.Connection, world: World) -> None:
    with acting(root, "worker", DOORS) as connection:
        answers = functions(connection, world)
    ((counted,),) = answers.pop(11)  # type: ignore[misc]
    assert counted >= 85, "values of every column of ciphertext"
    assert answers == [
        [(True,)],
        [(True,)],
        [(3,)],
        [(1,)],
        [(True,)],
        [(True,)],
        [("",)],
        [(True,)],
        [(True,)],
        [(True, 1)],
        [(1,)],
        [(True,)],
        [(True,)],
        [(True,)],
        [(64,)],
        [(64,)],
        [(64,)],
        [(1,)],
        [(True,)],
        [(True,)],
        [(True,)],
        [
            (
                'OK[{"code": "ALREADY_ENROLLED"}, {"code": "STOPPED_BY_RULE", "rule": ""}, {"code": "OTHER_PROGRAMME_CONFLICT"}][]',
                IDS["m"],
            )
        ],
        [(True,)],
        [(True,)],
        [(True,)],
        [(True,)],
        [(True,)],
        [(True,)],
        [(True,)],
        [(True,)],
        [(True,)],
        [(True,)],
        [(True,)],
        [(1,)],
        [("SIM_REGISTER",)],
        [(5,)],
        [(True, True)],
        [(1,)],
        [("OVER",)],
        [(True,)],
        [(True,)],
        [(True,)],
        [("family",)],
        [(1, 32)],
        [(1, 1)],
        [(True,)],
        [("REGISTER",)],
        [(1, 1, 2)],
        [("LISTS", 9100001, 1, ""), ("UNREAD", 9100005, 1, "")],
        [({"linkage_pair": 1, "linkage_clustermember": 1, "registry_personversion": 1},)],
    ]


@pytest.mark.parametrize("table", OWNER)
def test_without_the_owners_policy_a_function_fails(root: psycopg.Connection, world: World, table: str) -> None:
    with acting(root, "worker", DOORS) as connection:
        whole = functions(connection, world)
    with acting(root, "worker", f"{DOORS}; DROP POLICY {table}_owner ON {table}") as connection:
        assert functions(connection, world) != whole


@pytest.mark.parametrize("policy", WORKER)
def test_the_worker_sees_and_marks_every_job(root: psycopg.Connection, world: World, policy: str) -> None:
    def jobs(connection: psycopg.Connection) -> tuple[str, str, str]:
        probe = Probe(connection, world)
        probe.become(None)
        table = "platform_jobrun"
        return probe.reads(table), probe.changes(table, "UPDATE", "state"), probe.changes(table, "UPDATE", "actor_id")

    with acting(root, "worker") as connection:
        assert jobs(connection) == ("abcdm", "abcdm", "-")
    with acting(root, "worker", f"DROP POLICY {policy} ON platform_jobrun") as connection:
        assert jobs(connection) != ("abcdm", "abcdm", "-")


def test_a_row_cannot_be_moved_out_of_her_area(root: psycopg.Connection, world: World) -> None:
    with acting(root, "web") as connection:
        Probe(connection, world).become("registrar_b")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("UPDATE registry_household SET area_path = %s WHERE id = %s", [A, IDS["b"]])


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("Amina", {"Amina Bibi"}),
        ("bibi AMINA", {"Amina Bibi"}),
        ("Aminah Bibbi", {"Amina Bibi"}),
        ("Umeena Beebee", {"Amina Bibi"}),
        ("ami", {"Amina Bibi"}),
        ("Zubeda", set()),
        ("Amina Zubaida", set()),
        ("a", set()),
        ("", set()),
        ("%' OR true --", set()),
    ],
)
def test_name_search_finds_like_names_in_scope_only(
    root: psycopg.Connection, world: World, query: str, names: set[str]
) -> None:
    search = "SELECT DISTINCT name FROM khana_private.registry_search_names(%s, 50)"
    other = {"Zubaida Khatoon"} if query == "Zubeda" else set()
    with acting(root, "web") as connection:
        probe = Probe(connection, world)
        for user, expected in (("registrar_a", names), ("registrar_b", other), ("analyst", set()), (None, set())):
            probe.become(user)
            assert {row[0] for row in connection.execute(search, [query]).fetchall()} == expected


def test_new_names_are_learnt_once(root: psycopg.Connection, world: World) -> None:
    with acting(root, "web") as connection:
        Probe(connection, world).become("registrar_a")
        for number in (1, 2):
            values = world.row("registry_personversion", "a", 0, is_new=True)
            world.insert(
                connection,
                "registry_personversion",
                {**values, "id": number, "name": "ফাতেমা  Fatema", "name_native": "فاطمہ"},
            )
        for query in ("fatma", "ফাতেমা", "فاطمہ"):
            found = connection.execute(
                "SELECT name FROM khana_private.registry_search_names(%s, 9)", [query]
            ).fetchall()
            assert found == [("ফাতেমা  Fatema",)] * 2


def test_name_search_uses_its_index(root: psycopg.Connection) -> None:
    with acting(root, "owner") as connection:
        connection.execute("SET LOCAL enable_seqscan = off")
        words = "khana_private.registry_words(name || ' ' || name_native || ' ' || guardian_name)"
        plan = connection.execute(
            f"EXPLAIN SELECT 1 FROM registry_personversion WHERE {words} @> ARRAY['a']"
        ).fetchall()  # type: ignore[arg-type]
        assert "person_version_words" in str(plan)


def test_scope_is_asked_once_a_statement(root: psycopg.Connection, world: World) -> None:
    with acting(root, "web") as connection:
        Probe(connection, world).become("registrar_a")
        connection.execute("SET LOCAL enable_seqscan = off")  # a table of ten rows would be read whole
        plan = str(connection.execute("EXPLAIN SELECT * FROM registry_person WHERE id = 5").fetchall())
        assert "InitPlan" in plan and "SubPlan" not in plan and "Index" in plan
        plan = str(connection.execute("EXPLAIN SELECT * FROM registry_identifier WHERE token = '\\x00'").fetchall())
        assert "identifier_token" in plan


def test_bulk_insert_from_a_temporary_table_costs_no_call_a_row(root: psycopg.Connection, world: World) -> None:
    with acting(root, "worker") as connection:
        Probe(connection, world).become("registrar_a")
        connection.execute(
            f"CREATE TEMP TABLE loaded AS SELECT '{A}'::text AS area_path, now() AS at FROM generate_series(1, 20000)"
        )
        plan = connection.execute(
            "EXPLAIN (ANALYZE, VERBOSE) INSERT INTO registry_person (area_path, created_at) SELECT area_path, at FROM loaded"
        ).fetchall()
        calls = [line for (line,) in plan if "access_" in line and "loops=" in line]
        assert all("loops=1)" in line for line in calls)
        connection.execute("INSERT INTO loaded VALUES ('PK.PA.DB.', now())")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("INSERT INTO registry_person (area_path, created_at) SELECT area_path, at FROM loaded")
