"""A password that somebody else made opens only the door to one's own; one's own sessions are seen and ended."""

from django.db import migrations, models

from khana.access.policies import source


class Migration(migrations.Migration):
    dependencies = [("access", "0016_erasure_policies")]

    operations = [
        migrations.AddField(
            "credential",
            "first_until",
            models.DateTimeField(
                null=True, help_text="the password was made by somebody else, and until when it opens the door to one's own"
            ),
        ),
        migrations.AddField(
            "credential",
            "blocks",
            models.SmallIntegerField(default=1, db_default=1, help_text="of scrypt: how much work one guess is"),
        ),
        migrations.AddField(
            "session",
            "held_at",
            models.DateTimeField(null=True, help_text="opened by a first password: since when it waits for one's own"),
        ),
        migrations.RunSQL(source("own_account"), migrations.RunSQL.noop),
    ]
