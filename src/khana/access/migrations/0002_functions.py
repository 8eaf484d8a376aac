"""The definer functions that resolve a token, and the permissions of the roles."""

from django.db import migrations

from khana.access import policies
from khana.access.roles import catalogue

OWN_TABLES = ("access_user", "access_credential", "access_session", "access_grant", "access_rolepermission")


def load_roles(apps, schema_editor):
    model = apps.get_model("access", "RolePermission")
    model.objects.bulk_create(model(role=role, permission=name) for role, name in catalogue().rows())


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0001_initial"),
        ("audit", "0001_initial"),
        ("geo", "0001_initial"),
        ("platform", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(
            "\n".join(policies.source(name) for name in ("scope", "audit", "sessions", "users", "rights")),
            "DROP SCHEMA khana_private CASCADE;",
        ),
        migrations.RunSQL(
            "\n".join(policies.guard(table, owner=True) for table in OWN_TABLES),
            "\n".join(policies.unguard(table) for table in OWN_TABLES),
        ),
        migrations.RunPython(load_roles, migrations.RunPython.noop),
    ]
