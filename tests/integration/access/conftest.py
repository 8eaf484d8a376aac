"""The world of two districts, made once a module past all policies."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from khana.platform import embedded

from .expected import TABLES
from .world import World, make


@pytest.fixture(scope="module")
def root(database: str) -> Iterator[psycopg.Connection]:
    """Connect to the module's database as the bootstrap superuser."""
    from khana.platform.secrets_store import get_secret

    with psycopg.connect(
        host=str(embedded.socket_folder()),
        dbname=database,
        user="postgres",
        password=get_secret("db_superuser"),
        autocommit=True,
    ) as connection:
        yield connection


@pytest.fixture(scope="module")
def world(root: psycopg.Connection, database: str) -> World:
    """Fill the module's database."""
    parameters = {**embedded.connection_parameters("owner"), "dbname": database}
    with psycopg.connect(**parameters, autocommit=True) as owner:  # type: ignore[arg-type]
        return make(owner, root, list(TABLES))
