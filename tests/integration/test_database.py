"""The embedded server: real, closed to the public."""

from __future__ import annotations


def test_checked_closed_and_scram(connect) -> None:
    with connect("web") as connection:
        rows = dict(
            connection.execute(
                "SELECT name, setting FROM pg_settings WHERE name = ANY(%s)",
                [["data_checksums", "listen_addresses", "password_encryption"]],
            ).fetchall()
        )
        assert rows == {"data_checksums": "on", "listen_addresses": "", "password_encryption": "scram-sha-256"}
        assert connection.info.server_version >= 180000
