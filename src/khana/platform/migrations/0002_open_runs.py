"""An index over open runs: the worker looks for stale ones every few seconds."""

from django.db import migrations


class Migration(migrations.Migration):
    """Rights on runs and on the queue are the room `access`'s."""

    dependencies = [("platform", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "CREATE INDEX platform_jobrun_open ON platform_jobrun (state, heartbeat_at) "
            "WHERE state IN ('QUEUED', 'RUNNING')",
            "DROP INDEX platform_jobrun_open",
        ),
    ]
