"""Row policies of the registries that Khana asks."""

from django.db import migrations

from khana.access.policies import anywhere, everything, guard, unguard

GUARDS = {
    "sharing_otherregistry": guard(
        "sharing_otherregistry",
        select=f"{anywhere('identity.verify')} OR {everything('partners.read')}",
        insert=everything("partners.manage"),
        update=everything("partners.manage"),
        update_columns=("title", "base_url", "sender_id", "profile", "jwks", "signature_optional", "token_url",
                        "client_id", "partner_code", "closed_at"),
    ),
}  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [
        ("sharing", "0003_other_registries"),
    ]

    operations = [migrations.RunSQL(body, unguard(table)) for table, body in GUARDS.items()]
