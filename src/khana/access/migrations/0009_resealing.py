"""Closing old values anew: a job of a key owner takes and puts back ciphertext."""

from django.db import migrations

from khana.access.policies import source


class Migration(migrations.Migration):
    dependencies = [("access", "0008_offices")]

    operations = [migrations.RunSQL(source("reseal"), migrations.RunSQL.noop)]
