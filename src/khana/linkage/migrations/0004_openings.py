"""A desk may ask for a file outside its area to be opened; a steward of that area answers."""

from pathlib import Path

from django.db import migrations, models

from khana.access.policies import by_area, guard, unguard

SQL = (Path(__file__).parents[1] / "sql" / "openings.sql").read_text()
UNDO = """
DROP TRIGGER opening_answered ON linkage_opening;
DROP FUNCTION khana_private.linkage_opening_answered;
DROP FUNCTION khana_private.linkage_my_openings;
DROP FUNCTION khana_private.linkage_ask_opening;
DROP FUNCTION khana_private.linkage_files_like(text, text, text, integer, bytea[]);
DROP FUNCTION khana_private.linkage_like_anywhere;
""" + (Path(__file__).parents[1] / "sql" / "desk.sql").read_text()
REVIEW = by_area("linkage.review")


class Migration(migrations.Migration):
    dependencies = [
        ("linkage", "0003_desk"),
    ]

    operations = [
        migrations.CreateModel(
            name="Opening",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("person_id", models.BigIntegerField()),
                ("area_path", models.TextField(default="")),
                ("asked_by", models.BigIntegerField()),
                ("asked_at", models.DateTimeField()),
                ("said", models.BinaryField(help_text="what the desk stated, encrypted")),
                (
                    "state",
                    models.TextField(
                        choices=[("ASKED", "Asked"), ("OPENED", "Opened"), ("REFUSED", "Refused")], default="ASKED"
                    ),
                ),
                ("answered_by", models.BigIntegerField(null=True)),
                ("answered_at", models.DateTimeField(null=True)),
                ("answer", models.BinaryField(default=b"", help_text="what the steward opened, encrypted")),
            ],
            options={
                "indexes": [
                    models.Index(fields=["state", "id"], name="opening_waits"),
                    models.Index(fields=["asked_by", "id"], name="opening_of"),
                ],
            },
        ),
        migrations.RunSQL(
            guard(
                "linkage_opening",
                select=REVIEW,
                update=REVIEW,
                update_columns=("state", "answered_by", "answered_at", "answer"),
                owner=True,
            ),
            unguard("linkage_opening"),
        ),
        migrations.RunSQL(SQL, UNDO),
    ]
