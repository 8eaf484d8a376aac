"""Row policies: everybody signed in reads the catalogue, an agency changes its own part."""

from django.db import migrations

from khana.access.policies import LIVE_SESSION, by_agency, guard, unguard

GUARDS = {
    "programmes_programme": guard(
        "programmes_programme",
        select=LIVE_SESSION,
        insert=by_agency("programmes.write"),
        update=by_agency("programmes.write"),
        delete=by_agency("programmes.write"),
    ),
}


class Migration(migrations.Migration):
    dependencies = [
        ("programmes", "0001_initial"),
        ("access", "0003_policies_below"),
    ]

    operations = [migrations.RunSQL(body, unguard(table)) for table, body in GUARDS.items()]
