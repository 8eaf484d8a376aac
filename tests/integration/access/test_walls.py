"""What the web and worker roles can never do, whatever they send."""

from __future__ import annotations

import re

import psycopg
import pytest

from khana.access.roles import catalogue

from .world import World

WORKER_ONLY = {
    "access_adopt_job",
    "intake_open_journey",
    "intake_open_review",
    "linkage_open_matching",
    "sharing_adopt_extract",
    "sharing_adopt_partner",
    "sharing_open_subscriptions",
    "reseal_columns",
    "reseal_counts",
    "reseal_put",
    "reseal_take",
    "access_provider_set",
    "access_provider_keys",
    "access_provider_end",
}
# plain arithmetic: reads nothing, names no table
ARITHMETIC = {
    "number_of",
    "number_power",
    "signature_es256",
    "signature_rs256",
    "signature_is_good",
    "access_base64url",
    "access_from_base64url",
}
INSIDE_ONLY = ARITHMETIC | {
    "access_new_riddle",
    "access_take_riddle",
    "citizen_score",
    "citizen_cases",
    "erasure_by_rule",
    "erasure_do",
    "erasure_stands_against",
    "sharing_my_partners",
    "access_fresh_actor",
    "audit_write",
    "access_new_session",
    "access_count_failure",
    "access_require_user_manager",
    "access_user_id",
    "access_is_owner",
    "access_area_of",
    "access_grant_moves",
    "access_grant_rules",
    "access_is_cleared",
    "access_is_idle",
    "access_raise_alarm",
    "audit_horizon_now",
    "access_prove_again",
    "access_new_blocks",
    "beneficiaries_hold_state",
    "beneficiaries_hold_first",
    "beneficiaries_hold_trial",
    "beneficiaries_keep_moves",
    "reseal_require_job",
    "retention_is_held",
    "retention_named",
    "access_system_user",
    "access_worker_or",
    "retention_may_be_held",
    "retention_list_waits",
    "retention_lists_over",
    "retention_file_over",
    "retention_files_over",
    "audit_refuse_change",
    "platform_job_ends",
    "registry_like_words",
    "registry_learn_words",
    "registry_skeleton",
    "citizen_who",
    "linkage_like_anywhere",
    "assessment_signed_once",
    "linkage_model_two_people",
    "linkage_opening_answered",
    "linkage_pair_decided_by",
    "registry_alias_two_people",
    "sharing_agreement_moves",
    "sharing_approve",
    "sharing_extract_moves",
    "programmes_decided_once",
    "programmes_entries_come",
    "programmes_list_approval",
    "programmes_list_change",
    "programmes_list_moves",
    "programmes_standing",
    "programmes_upheld_of",
    "beneficiaries_ask",
}
TRIGGERS = {
    "assessment_signed_once",
    "linkage_model_two_people",
    "linkage_opening_answered",
    "linkage_pair_decided_by",
    "registry_alias_two_people",
    "programmes_decided_once",
    "beneficiaries_hold_state",
    "beneficiaries_hold_first",
    "beneficiaries_hold_trial",
    "beneficiaries_keep_moves",
}
# these find tables in `public` too, where neither web nor worker can make anything
WITH_PUBLIC = {
    "beneficiaries_hold_state",
    "beneficiaries_hold_first",
    "beneficiaries_hold_trial",
    "beneficiaries_keep_moves",
    "beneficiaries_ask",
    "beneficiaries_ask_whole",
    "beneficiaries_keep_answer",
    "beneficiaries_reopen",
    "programmes_entries_come",
    "programmes_list_approval",
    "programmes_list_change",
    "programmes_list_moves",
}
AS_THEIR_CALLER = {"beneficiaries_look_up", "registry_current", "registry_files_of"}  # fmt: skip


@pytest.mark.parametrize("role", ["web", "worker"])
@pytest.mark.parametrize(
    "statement",
    [
        "SET ROLE khana_owner",
        "SET SESSION AUTHORIZATION khana_owner",
        "INSERT INTO access_grant (user_id, role, area_path, agency, valid_from) VALUES (1, 'data_steward', '', '', now())",
        "UPDATE access_grant SET area_path = ''",
        "INSERT INTO access_rolepermission (role, permission) VALUES ('analyst', 'registry.read')",
        "UPDATE access_user SET is_active = true",
        "SELECT * FROM access_credential",
        "SELECT * FROM access_session",
        "INSERT INTO access_session (token_hash, user_id, kind, opened_at, expires_at, confirmed_at)"
        " VALUES (sha256('x'), 1, 'WEB', now(), now() + interval '1 day', now())",
        "INSERT INTO audit_event (at, actor_id, actor_label, action, subject, details) VALUES (now(), 1, 'x', 'a.b', '', '{}')",
        "INSERT INTO audit_seal (event_id, previous_hash, hash) VALUES (1, '', '')",
        "SELECT khana_private.audit_write(1, 'a.b', 'x', '{}', now())",
        "SELECT khana_private.access_new_session(1, 'WEB', interval '1 day', true)",
        "SELECT value FROM khana_private.access_pepper",
        "CREATE TABLE public.mine (x int)",
        "CREATE FUNCTION khana_private.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE OR REPLACE FUNCTION khana_private.access_actor() RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'",
        "ALTER ROLE CURRENT_USER BYPASSRLS",
        "SET session_replication_role = replica",
        "COPY registry_household TO PROGRAM 'cat'",
        "SELECT pg_read_file('/etc/passwd')",
    ],
)
def test_refused(connect, world: World, role: str, statement: str) -> None:  # type: ignore[no-untyped-def]
    with connect(role) as connection:
        connection.execute("SELECT set_config('khana.token', %s, true)", [world.tokens["admin"]])
        with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.InvalidParameterValue)):
            connection.execute(statement)


def test_row_security_cannot_be_switched_off(connect, world: World) -> None:  # type: ignore[no-untyped-def]
    with connect("web") as connection:
        connection.execute("SET row_security = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT count(*) FROM registry_household")


def test_a_temporary_table_does_not_shadow_what_functions_read(connect, world: World) -> None:  # type: ignore[no-untyped-def]
    with connect("web") as connection:
        connection.execute("CREATE TEMP TABLE access_session AS SELECT sha256('x') AS token_hash, 1 AS user_id")
        connection.execute("CREATE TEMP TABLE access_user AS SELECT 1 AS id, true AS is_active")
        connection.execute("SET search_path = pg_temp, public; SELECT set_config('khana.token', 'x', true)")
        assert connection.execute("SELECT khana_private.access_actor()").fetchone() == (None,)
        assert connection.execute("SELECT count(*) FROM public.registry_household").fetchone() == (0,)


def test_a_token_of_one_transaction_is_not_there_in_the_next(connect, world: World) -> None:  # type: ignore[no-untyped-def]
    connection = connect("web", autocommit=True)
    with connection.transaction():
        connection.execute("SELECT set_config('khana.token', %s, true)", [world.tokens["steward"]])
        assert connection.execute("SELECT count(*) FROM registry_household").fetchone() == (5,)
    assert connection.execute("SELECT count(*) FROM registry_household").fetchone() == (0,)


def test_functions_are_definers_with_a_pinned_path_and_closed_to_the_public(root: psycopg.Connection) -> None:
    rows = root.execute(
        "SELECT p.proname, p.prosecdef, p.proconfig, has_function_privilege('khana_web', p.oid, 'EXECUTE'),"
        " has_function_privilege('khana_worker', p.oid, 'EXECUTE'), pg_get_userbyid(p.proowner),"
        " EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a WHERE a.grantee = 0)"
        " FROM pg_proc p WHERE p.pronamespace = 'khana_private'::regnamespace"
    ).fetchall()
    assert len(rows) > 30
    for name, is_definer, config, web, worker, owner, is_public in rows:
        if name in {"registry_words", "registry_skeleton"}:  # of indexes: they read nothing, name no table
            assert not is_definer and not is_public
            continue
        if name in AS_THEIR_CALLER:  # run as their caller, so row security holds them; they name public tables
            assert not is_definer and not is_public and config[0] == "search_path=pg_catalog, public, pg_temp"
            continue
        path = "pg_catalog, public, pg_temp" if name in WITH_PUBLIC else "pg_catalog, pg_temp"
        assert config[0] == f"search_path={path}", name
        assert (
            is_definer or name in {"audit_payload", "audit_refuse_change", "platform_job_ends"} | TRIGGERS | ARITHMETIC
        ), name
        assert owner == "khana_owner" and not is_public, name
        assert web == (name not in WORKER_ONLY | INSIDE_ONLY), name
        assert worker == (name not in INSIDE_ONLY), name


def test_policies_name_permissions_that_exist(root: psycopg.Connection) -> None:
    named = set()
    for using, check in root.execute("SELECT qual, with_check FROM pg_policies").fetchall():
        named |= set(re.findall(r"'([a-z_]+\.[a-z_]+)'", f"{using} {check}"))
    assert named <= set(catalogue().permissions)
    asked_by_services_only = {
        "users.manage", "users.read", "forms.read", "emergency.read", "enrolments.ask", "grants.confirm", "keys.manage",
        "partner.follow",
    }  # fmt: skip
    assert set(catalogue().permissions) - named == asked_by_services_only


def test_roles_are_plain(root: psycopg.Connection) -> None:
    rows = root.execute(
        "SELECT rolname, rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls OR rolinherit"
        " FROM pg_roles WHERE rolname IN ('khana_web', 'khana_worker') ORDER BY 1"
    ).fetchall()
    assert rows == [("khana_web", False), ("khana_worker", False)]
    assert root.execute(
        "SELECT count(*) FROM pg_auth_members WHERE member IN ('khana_web'::regrole, 'khana_worker'::regrole)"
    ).fetchone() == (0,)
