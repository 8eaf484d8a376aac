"""The protection of a database as its catalogue has it: policies, privileges, definer functions, triggers, roles.

Two databases of one version have the same shape. One that was changed by hand (a policy dropped, a privilege given, a
function replaced) differs from one that the migrations have just made, and the difference has a name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from khana.access.functions import raw

_ROLES = "('khana_owner', 'khana_web', 'khana_worker')"
# each part: name of a thing -> what it is, as text that is the same wherever the migrations made it
_PARTS = {
    "row security": """SELECT c.relname, 'forced ' || (c.relrowsecurity AND c.relforcerowsecurity) FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'v', 'm')""",
    "policy": """SELECT p.tablename || '.' || p.policyname,
        concat_ws(' | ', p.permissive, p.cmd, (SELECT string_agg(CASE WHEN r = t.tableowner
            THEN 'owner' ELSE r::text END, ',' ORDER BY r) FROM unnest(p.roles) r), p.qual, p.with_check)
        FROM pg_policies p JOIN pg_tables t USING (schemaname, tablename) WHERE p.schemaname = 'public'""",
    "privilege": """SELECT c.relname || ' ' || x.grantee::regrole::text, string_agg(x.privilege_type, ',' ORDER BY x.privilege_type)
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) x
        WHERE n.nspname IN ('public', 'khana_private') AND x.grantee <> c.relowner GROUP BY 1""",
    "privilege of a column": """SELECT c.relname || '.' || a.attname || ' ' || x.grantee::regrole::text,
        string_agg(x.privilege_type, ',' ORDER BY x.privilege_type)
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace,
        aclexplode(a.attacl) x WHERE n.nspname = 'public' AND x.grantee <> c.relowner GROUP BY 1""",
    "function": """SELECT p.oid::regprocedure::text, md5(p.prosrc) || ' definer ' || p.prosecdef || ' '
        || coalesce(array_to_string(p.proconfig, ','), '') || ' may ' || coalesce((SELECT string_agg(DISTINCT
            CASE WHEN x.grantee = p.proowner THEN 'owner' WHEN x.grantee = 0 THEN 'everybody' ELSE x.grantee::regrole::text END, ',')
            FROM aclexplode(p.proacl) x), 'everybody')
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'khana_private'""",
    "trigger": """SELECT t.tgrelid::regclass::text || '.' || t.tgname, t.tgenabled::text || ' ' || t.tgfoid::regprocedure::text FROM pg_trigger t
        JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE NOT t.tgisinternal AND n.nspname = 'public'""",
    "role": f"""SELECT r.rolname, concat_ws(' ', 'super', r.rolsuper, 'bypass', r.rolbypassrls, 'makes roles', r.rolcreaterole,
        'of', (SELECT string_agg(m.roleid::regrole::text, ',' ORDER BY 1) FROM pg_auth_members m WHERE m.member = r.oid))
        FROM pg_roles r WHERE r.rolname IN {_ROLES} AND r.rolname <> 'khana_owner'""",
}


def of_this_database(ask: Callable[[str], list[Any]] = raw) -> dict[str, dict[str, str]]:
    """Return the shape of the open database: part -> name -> what it is. Anybody may read the catalogue."""
    return {part: {str(name): str(what) for name, what in ask(statement)} for part, statement in _PARTS.items()}


def differences(here: dict[str, dict[str, str]], made: dict[str, dict[str, str]]) -> list[dict[str, Any]]:
    """Return how a database differs from what its version makes: part, name, and `missing`, `more` or `other`."""
    out = []
    for part in sorted(made.keys() | here.keys()):
        ours, theirs = here.get(part, {}), made.get(part, {})
        for name in sorted(ours.keys() | theirs.keys()):
            if ours.get(name) != theirs.get(name):
                state = "missing" if name not in ours else "more" if name not in theirs else "other"
                out.append({"part": part, "name": name, "state": state})
    return out
