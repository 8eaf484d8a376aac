"""What of a delivery was erased by rule."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("access", "0017_own_account")]

    operations = [
        migrations.CreateModel(
            name="Tombstone",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("batch_id", models.BigIntegerField()),
                ("what", models.TextField(choices=[("ROWS", "Rows"), ("FILE", "File")])),
                ("rule", models.TextField()),
                ("source_code", models.TextField(blank=True, default="")),
                ("agency", models.TextField(blank=True, default="")),
                ("file_name", models.TextField()),
                ("sha256", models.CharField(help_text="of the file, byte for byte", max_length=64)),
                ("size", models.BigIntegerField()),
                (
                    "rows_sha256",
                    models.TextField(blank=True, default="", help_text="over the rows as they were read"),
                ),
                ("rows_erased", models.BigIntegerField(default=0)),
                (
                    "rows_kept",
                    models.BigIntegerField(default=0, help_text="held or needed: asked again every night"),
                ),
                ("is_whole", models.BooleanField(help_text="nothing of it is left")),
                ("erased_at", models.DateTimeField()),
                ("erased_by", models.BigIntegerField(help_text="empty: the worker, at night", null=True)),
            ],
            options={
                "indexes": [models.Index(fields=["sha256"], name="tombstone_sha256")],
                "constraints": [models.UniqueConstraint(fields=("batch_id", "what"), name="tombstone_once")],
            },
        ),
    ]
