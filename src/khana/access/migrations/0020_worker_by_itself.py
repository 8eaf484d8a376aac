"""What the worker does without anybody, asked in one place; erasure as its files stand now: by programme, and what a kill left behind.

The files of erasure are read again: where they were read before, their functions are replaced; elsewhere nothing changes.
"""

from django.db import migrations

from khana.access.policies import source

UNDO = "DROP FUNCTION khana_private.access_system_user(text, text, text, text), khana_private.access_worker_or(text);"


class Migration(migrations.Migration):
    dependencies = [("access", "0019_erase_lists")]

    operations = [
        migrations.RunSQL(source("worker"), UNDO),
        migrations.RunSQL(
            source("retention") + source("erasure") + source("lists")
            + "DROP FUNCTION IF EXISTS khana_private.retention_require();",
            migrations.RunSQL.noop,
        ),
    ]  # fmt: skip
