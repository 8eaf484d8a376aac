"""Row policies: a score is read where its household is."""

from django.db import migrations

from khana.access.policies import by_area, guard, unguard

GUARDS = {
    "assessment_score": guard(
        "assessment_score",
        select=by_area("scores.read"),
        insert=by_area("scores.write"),
        update=by_area("scores.write"),
        update_columns=("superseded_at",),
    ),
}


class Migration(migrations.Migration):
    dependencies = [
        ("assessment", "0001_initial"),
        ("access", "0003_policies_below"),
    ]

    operations = [migrations.RunSQL(body, unguard(table)) for table, body in GUARDS.items()]
