"""Go through every table of the catalogue as one user after the other, on the database itself, below every page.

What a table holds is read from the catalogue: a column `area_path` or `agency` says whose a row is, and a model says
whether it holds personal data. A registrar of one district reaches no row of another, an officer of one agency no row of
another, an analyst no personal data, and who has no session nothing. What is open has a reason here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
from django.apps import apps
from psycopg import sql

from khana_settings.walk.country import AGENCY, Trial
from khana_settings.walk.steps import Met

# tables without row security, and why none of their rows needs it
UNGUARDED = {
    "django_migrations": "names of migrations; read only",
    "procrastinate_jobs": "the queue: the name of a task and the number of a job run",
    "procrastinate_events": "when a queued job changed its state",
    "procrastinate_periodic_defers": "when a periodic task was last queued",
    "procrastinate_workers": "heartbeats of worker processes",
}
# tables with rows that are nobody's district and nobody's agency: who may see them, and why
COUNTRYWIDE = {
    "assessment_snapshot": (
        ("analyst",),
        "facts of households without names and numbers, for the simulator and its rules",
    ),
    "beneficiaries_source": (("officer",), "which systems of every agency are connected"),
    "deliveries_contract": (("officer",), "how a file is to be read, and no row of it"),
    "geo_area": (("registrar",), "the areas of the country"),
    "monitoring_spending": (("officer",), "sums by programme and area, of every agency; no row of a person"),
    "platform_storedfile": (("analyst",), "hash and size of a kept file; its content lies in the store, encrypted"),
    "programmes_programme": (("officer",), "the catalogue of every agency's programmes"),
}
# tables that hold what was published: open to who is not signed in
PUBLISHED = {"monitoring_publication": "figures that were published, small ones left out"}
# what the worker finds before it acts for somebody; codes, dates and ids alone
WORKERS = {"platform_jobrun": "which jobs wait"}
_TABLES = """SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity,
    ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'v', 'm', 'f') ORDER BY 1"""


def tables_of(connection: psycopg.Connection[Any]) -> dict[str, tuple[bool, set[str]]]:
    """Return every table and view of the catalogue: whether row security is forced on it, and its columns."""
    return {name: (forced, set(columns)) for name, forced, columns in connection.execute(_TABLES).fetchall()}


def personal() -> set[str]:
    """Return the tables whose model declares personal data."""
    return {model._meta.db_table for model in apps.get_models() if ".. pii: " in (model.__doc__ or "")}


def walk_tables(trial: Trial, connection: psycopg.Connection[Any]) -> Iterator[Met]:
    """Count, as each user, the rows of every table that are not hers; yield each table where there is one.

    Args:
        trial: Where.
        connection: As the role of the web or of the worker.
    """
    ((role,),) = connection.execute("SELECT current_user").fetchall()
    for name, (is_forced, columns) in tables_of(connection).items():
        if not is_forced:
            if name not in UNGUARDED:
                yield Met("table", name, "everybody", "has no row security and stands in no list with a reason")
            continue
        for user in (*trial.tokens, "nobody"):
            condition = _not_hers(trial, name, user, columns)
            if condition is None or (user == "nobody" and role == "khana_worker" and name in WORKERS):
                continue
            count = _count(connection, trial.tokens.get(user, ""), name, condition)
            if count:
                yield Met("table", name, user, f"{count} rows that are not hers")


def _not_hers(trial: Trial, table: str, user: str, columns: set[str]) -> sql.Composable | None:
    """Return the condition of the rows that a user must not reach; None where nothing can be said of the table."""
    if user == "nobody":
        return None if table in PUBLISHED else sql.SQL("true")
    if user in COUNTRYWIDE.get(table, ((), ""))[0]:
        return None
    if user == "analyst":
        return sql.SQL("true") if table in personal() else None
    if user == "registrar" and "area_path" in columns:
        beyond = sql.SQL("NOT area_path ^@ {}").format(trial.area)
        if table in personal():
            return beyond
        above = sql.SQL("{} ^@ area_path").format(trial.area)  # figures of the areas above hers are no person
        return sql.SQL("{} AND NOT {}").format(beyond, above)
    if user == "officer" and "agency" in columns:
        return sql.SQL("agency NOT IN ('', {})").format(AGENCY)
    return None


def _count(connection: psycopg.Connection[Any], token: str, table: str, condition: sql.Composable) -> int:
    try:
        with connection.transaction(force_rollback=True):
            connection.execute("SELECT set_config('khana.token', %s, true)", [token])
            counted = sql.SQL("SELECT count(*) FROM {} WHERE {}").format(sql.Identifier(table), condition)
            ((found,),) = connection.execute(counted).fetchall()
            return int(found)
    except psycopg.errors.InsufficientPrivilege:
        return 0
