"""What is erased takes its pairs along, on whichever side it stands."""

from django.db import migrations

from khana.access.policies import source


class Migration(migrations.Migration):
    dependencies = [("access", "0021_watch"), ("linkage", "0007_two_rows")]

    operations = [migrations.RunSQL(source("erasure") + source("lists"), migrations.RunSQL.noop)]
