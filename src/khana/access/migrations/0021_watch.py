"""An hour that is judged is no measure of itself: what somebody usually reads is told by the days before the last."""

from django.db import migrations

from khana.access.policies import source


class Migration(migrations.Migration):
    dependencies = [("access", "0020_worker_by_itself")]

    operations = [migrations.RunSQL(source("watch"), migrations.RunSQL.noop)]
