"""The embedded server: real, durable, closed to the public."""

from __future__ import annotations


def test_durable_and_scram(connect) -> None:
    with connect("web") as connection:
        rows = dict(
            connection.execute(
                "SELECT name, setting FROM pg_settings WHERE name = ANY(%s)",
                [["fsync", "full_page_writes", "data_checksums", "listen_addresses"]],
            ).fetchall()
        )
        assert rows == {
            "fsync": "on",
            "full_page_writes": "on",
            "data_checksums": "on",
            "listen_addresses": "",
        }
        assert connection.info.server_version >= 180000
