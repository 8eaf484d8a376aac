"""The owner passes the policies of every table with ciphertext, so that a new key can close old values anew."""

from django.db import migrations

TABLES = (
    "deliveries_quarantinedrow", "beneficiaries_exitrecord",
    "identity_publicemployee", "registry_resident", "sharing_message", "sharing_subscription", "assessment_snapshot",
)  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [
        ("sharing", "0002_policies"), ("access", "0009_resealing"), ("deliveries", "0002_policies"),
        ("beneficiaries", "0002_policies"), ("identity", "0002_policies"), ("registry", "0002_policies"),
        ("assessment", "0004_policies"),
    ]  # fmt: skip

    operations = [
        migrations.RunSQL(
            f"CREATE POLICY {table}_owner ON {table} TO CURRENT_USER USING (true);", f"DROP POLICY {table}_owner ON {table};"
        )
        for table in TABLES
    ]
