"""Row policies of reviews, evidence and corrective actions; the session of the nightly checks."""

from pathlib import Path

from django.db import migrations

from khana.access.policies import LIVE_SESSION, anywhere, by_area, guard, own, unguard

MANAGE = by_area("centres.manage")
SEES = f"{by_area('centres.read')} OR {own('user_id')}"

GUARDS = {
    "intake_enumeratorreview": guard("intake_enumeratorreview", select=SEES, insert=MANAGE),
    "intake_questionevidence": guard(
        "intake_questionevidence",
        select=LIVE_SESSION,
        insert=anywhere("centres.manage"),
        update=anywhere("centres.manage"),
        update_columns=(
            "asked", "missing_share", "other_share", "timed", "seconds_median", "seconds_p90", "reliability", "error_rate",
            "compared", "made_at",
        ),
    ),
    "intake_correctiveaction": guard(
        "intake_correctiveaction",
        select=SEES,
        insert=MANAGE,
        update=MANAGE,
        update_columns=("state", "history", "done_by", "closed_by", "closed_at"),
    ),
}  # fmt: skip
REVIEW = (Path(__file__).parents[1] / "sql" / "review.sql").read_text()


class Migration(migrations.Migration):
    dependencies = [("intake", "0008_reviews")]

    operations = [
        *(migrations.RunSQL(body, unguard(table)) for table, body in GUARDS.items()),
        migrations.RunSQL(REVIEW, "DROP FUNCTION khana_private.intake_open_review;"),
    ]
