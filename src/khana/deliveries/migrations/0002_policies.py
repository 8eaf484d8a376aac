"""Row policies: batches and quarantined rows belong to an agency, or to who brought them."""

from django.db import migrations

from khana.access.policies import LIVE_SESSION, anywhere, by_agency, guard, own, unguard

MINE = "EXISTS (SELECT FROM deliveries_batch b WHERE b.id = batch_id AND b.received_by = (SELECT khana_private.access_actor()))"


def mine(permission):
    return f"({anywhere(permission)} AND {MINE})"


GUARDS = {
    "deliveries_contract": guard(
        "deliveries_contract",
        select=LIVE_SESSION,
        insert=f"{own('created_by')} AND ({by_agency('sources.write')}"
        f" OR (agency = '' AND {anywhere('deliveries.write')}))",
    ),
    "deliveries_batch": guard(
        "deliveries_batch",
        select=f"{by_agency('deliveries.read')} OR ({own('received_by')} AND {anywhere('deliveries.read')})",
        insert=f"{own('received_by')} AND ({by_agency('deliveries.write')}"
        f" OR (agency = '' AND {anywhere('deliveries.write')}))",
        update=f"{by_agency('deliveries.write')}"
        f" OR ({own('received_by')} AND agency = '' AND {anywhere('deliveries.write')})",
    ),
    "deliveries_quarantinedrow": guard(
        "deliveries_quarantinedrow",
        select=f"{by_agency('quarantine.read')} OR {mine('quarantine.read')}",
        insert=f"{by_agency('deliveries.write')} OR (agency = '' AND {mine('deliveries.write')})",
        update=f"{by_agency('quarantine.write')} OR {mine('quarantine.write')}",
        update_columns=("state", "corrected_ciphertext", "replayed_in_id", "reason", "changed_at"),
    ),
}


class Migration(migrations.Migration):
    dependencies = [
        ("deliveries", "0001_initial"),
        ("access", "0003_policies_below"),
    ]

    operations = [migrations.RunSQL(body, unguard(table)) for table, body in GUARDS.items()]
