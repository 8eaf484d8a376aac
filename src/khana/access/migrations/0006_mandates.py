"""Grants that count only under a named agreement; purpose, agreement and request on every event."""

from pathlib import Path

from django.db import migrations

SQL = (Path(__file__).parents[1] / "sql" / "mandates.sql").read_text()


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0005_grant_mandate"),
        ("audit", "0002_event_agreement_event_purpose_event_request"),
    ]

    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
