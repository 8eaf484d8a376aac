"""A grant of one programme reaches the rows and findings of that programme."""

from django.db import migrations

from khana.access.policies import by_agency_and_area, by_programme


def alter(policy: str, table: str, clause: str, old: str, new: str) -> migrations.RunSQL:
    return migrations.RunSQL(*(f"ALTER POLICY {policy} ON {table} {clause} ({text});" for text in (new, old)))


def with_programme(permission: str) -> tuple[str, str]:
    old = by_agency_and_area(permission)
    return old, f"{old} OR {by_programme(permission)}"


class Migration(migrations.Migration):
    dependencies = [("beneficiaries", "0006_look_up_planned_once"), ("access", "0008_offices")]

    operations = [
        alter("beneficiaries_benefit_select", "beneficiaries_benefit", "USING", *with_programme("benefits.read")),
        alter("beneficiaries_benefit_insert", "beneficiaries_benefit", "WITH CHECK", *with_programme("benefits.write")),
        alter("beneficiaries_finding_select", "beneficiaries_finding", "USING", *with_programme("findings.read")),
    ]
