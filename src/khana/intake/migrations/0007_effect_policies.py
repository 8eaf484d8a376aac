"""Row policies of effects: read and confirmed by area; who sent the form is refused by the table itself."""

from django.db import migrations

from khana.access.policies import by_area, guard, unguard

TABLE = "intake_amendmenteffect"
GUARD = guard(
    TABLE,
    select=by_area("submissions.process"),
    insert=by_area("submissions.process"),
    update=by_area("submissions.process"),
    update_columns=("confirmed_by", "confirmed_label", "confirmed_at"),
)


class Migration(migrations.Migration):
    dependencies = [("intake", "0006_effects")]

    operations = [migrations.RunSQL(GUARD, unguard(TABLE))]
