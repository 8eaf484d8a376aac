"""Row policies: rows of lists by agency and area, results by area, figures by permission."""

from django.db import migrations

from khana.access.policies import LIVE_SESSION, anywhere, by_agency, by_agency_and_area, by_open_area, everything, guard, own, unguard

RUN = everything("consolidate.run")


def programmes_of(permission):
    """Rows of programmes that belong to the agencies of the grants."""
    return (
        f"{everything(permission)} OR programme = ANY (ARRAY(SELECT p.code FROM programmes_programme p"
        f" WHERE p.agency = ANY ((SELECT khana_private.access_agencies('{permission}'))::text[])))"
    )


# a recipient spans agencies: an agency sees those who draw from itself alone
RECIPIENTS = (
    f"{by_open_area('recipients.read')} OR (agencies <> '[]'"
    " AND agencies <@ (SELECT to_jsonb(khana_private.access_agencies('recipients.read'))))"
)

GUARDS = {
    "beneficiaries_source": guard(
        "beneficiaries_source",
        select=LIVE_SESSION,
        insert=by_agency("sources.write"),
        update=by_agency("sources.write"),
    ),
    "beneficiaries_benefit": guard(
        "beneficiaries_benefit",
        select=by_agency_and_area("benefits.read"),
        insert=by_agency_and_area("benefits.write"),
    ),
    "beneficiaries_exitrecord": guard(
        "beneficiaries_exitrecord",
        select=programmes_of("benefits.read"),
        insert=programmes_of("benefits.write"),
        delete=programmes_of("benefits.write"),
    ),
    "beneficiaries_run": guard(
        "beneficiaries_run",
        select=anywhere("results.read"),
        insert=f"{own('actor_id')} AND {RUN}",
        update=RUN,
        update_columns=("state", "ended_at", "parameters", "inputs", "summary"),
    ),
    "beneficiaries_finding": guard(
        "beneficiaries_finding", select=by_agency_and_area("findings.read"), insert=RUN, delete=RUN
    ),
    "beneficiaries_recipient": guard("beneficiaries_recipient", select=RECIPIENTS, insert=RUN, delete=RUN),
    "beneficiaries_unservedhousehold": guard(
        "beneficiaries_unservedhousehold", select=by_open_area("recipients.read"), insert=RUN, delete=RUN
    ),
    "beneficiaries_areafigure": guard(
        "beneficiaries_areafigure", select=anywhere("results.read"), insert=RUN, delete=RUN
    ),
}


class Migration(migrations.Migration):
    dependencies = [
        ("beneficiaries", "0001_initial"),
        ("access", "0003_policies_below"),
        ("programmes", "0002_policies"),
    ]

    operations = [migrations.RunSQL(body, unguard(table)) for table, body in GUARDS.items()]
