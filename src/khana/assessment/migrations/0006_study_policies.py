"""Row policies of studies: whoever works on models sees and adds them; nobody changes or removes one."""

from django.db import migrations

from khana.access.policies import everything, guard, own, unguard

WORK = f"({everything('scores.run')} OR {everything('models.write')})"
GUARD = guard("assessment_study", select=WORK, insert=f"{WORK} AND {own('created_by')}")


class Migration(migrations.Migration):
    dependencies = [("assessment", "0005_study")]

    operations = [migrations.RunSQL(GUARD, unguard("assessment_study"))]
