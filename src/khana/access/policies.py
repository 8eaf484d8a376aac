"""Row policies as SQL: what each room's migration says about its tables, in one vocabulary.

An expression tells which rows a session reaches; every call stands in a scalar sub-select, so that
the database asks it once a statement and not once a row. `guard` writes the whole protection of one
table: forced row security, a policy for each verb that is given, the privileges of the two roles
and nothing else. What is not said is refused: a forgotten scope shows nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

_ROLES = "khana_web, khana_worker"
_SQL = Path(__file__).parent / "sql"

LIVE_SESSION = "(SELECT khana_private.access_actor()) IS NOT NULL"


def source(name: str) -> str:
    """Return one SQL file of this room."""
    return (_SQL / f"{name}.sql").read_text()


def _ask(function: str, permission: str) -> str:
    return f"(SELECT khana_private.{function}('{permission}'))"


def anywhere(permission: str) -> str:
    """Any grant with the permission, whatever its scope: for rows that point at nobody."""
    return _ask("access_has", permission)


def everything(permission: str) -> str:
    """A grant over the whole country and every agency."""
    return _ask("access_everything", permission)


def by_area(permission: str, column: str = "area_path") -> str:
    """Rows under the areas of the grants, whatever agency these name."""
    return f"{everything(permission)} OR {column} ^@ ANY ({_ask('access_area_paths', permission)}::text[])"


def by_agency(permission: str, column: str = "agency") -> str:
    """Rows of the grants' agencies; a grant that is bound to an area too does not reach them."""
    return f"{everything(permission)} OR {column} = ANY ({_ask('access_agencies', permission)}::text[])"


def by_agency_and_area(permission: str, agency: str = "agency", area: str = "area_path") -> str:
    """Rows of the grants' agencies under the grants' areas; each grant counts by itself."""
    return (
        f"{everything(permission)}"
        f" OR {area} ^@ ANY ({_ask('access_open_area_paths', permission)}::text[])"
        f" OR ({agency} || chr(31) || {area}) ^@ ANY ({_ask('access_agency_areas', permission)}::text[])"
    )


def by_programme(permission: str) -> str:
    """Rows of one programme of one agency under an area: for grants that name a programme, which reach nothing else."""
    return (
        "(agency || chr(31) || programme || chr(31) || area_path)"
        f" ^@ ANY ({_ask('access_programme_areas', permission)}::text[])"
    )


def by_open_area(permission: str, column: str = "area_path") -> str:
    """Rows under the areas of grants that name no agency: for what spans agencies."""
    areas = _ask("access_open_area_paths", permission)
    return f"{everything(permission)} OR {column} ^@ ANY ({areas}::text[])"


def own(column: str) -> str:
    """Rows whose column names the actor."""
    return f"{column} = (SELECT khana_private.access_actor())"


def guard(
    table: str,
    *,
    select: str | None = None,
    insert: str | None = None,
    update: str | None = None,
    delete: str | None = None,
    update_columns: Sequence[str] = (),
    owner: bool = False,
    ids: bool = True,
) -> str:
    """Write the whole protection of one table as SQL.

    Args:
        table: The table, without schema.
        select: Which rows are seen; none if absent.
        insert: Which rows may be added.
        update: Which rows may be changed, and what they may become (without a check of its own a
            policy holds the new row against the same expression).
        delete: Which rows may be removed.
        update_columns: The only columns that may be changed; all where empty.
        owner: Definer functions read or write the table: the owner passes. Forced row security
            holds the owner too, and a server of one's own may not give it BYPASSRLS.
        ids: The table has an `id` with a sequence.

    Returns:
        Statements for one `RunSQL`; run as the owner of the table.
    """
    lines = [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY;",
        f"REVOKE ALL ON {table} FROM PUBLIC, {_ROLES};",
    ]
    if owner:
        lines.append(f"CREATE POLICY {table}_owner ON {table} TO CURRENT_USER USING (true);")
    for verb, expression in (("SELECT", select), ("INSERT", insert), ("UPDATE", update), ("DELETE", delete)):
        if expression is None:
            continue
        clause = f"WITH CHECK ({expression})" if verb == "INSERT" else f"USING ({expression})"
        lines.append(f"CREATE POLICY {table}_{verb.lower()} ON {table} FOR {verb} TO {_ROLES} {clause};")
        columns = f" ({', '.join(update_columns)})" if verb == "UPDATE" and update_columns else ""
        lines.append(f"GRANT {verb}{columns} ON {table} TO {_ROLES};")
    if insert is not None and ids:
        lines.append(f"GRANT USAGE ON SEQUENCE {table}_id_seq TO {_ROLES};")
    return "\n".join(lines)


def unguard(table: str) -> str:
    """Take the protection of one table off again: the way back of a migration."""
    return (
        "DO $$ DECLARE p text; BEGIN"
        f" FOR p IN SELECT policyname FROM pg_policies WHERE tablename = '{table}'\n"
        f"LOOP EXECUTE format('DROP POLICY %I ON {table}', p); END LOOP; END $$;\n"
        f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY;\nALTER TABLE {table} DISABLE ROW LEVEL SECURITY;\n"
        f"REVOKE ALL ON {table} FROM {_ROLES};"
    )
