"""Row policies of sharing, the two-person rule and the mandates, kept by the database."""

from pathlib import Path

from django.db import migrations

from khana.access.policies import anywhere, by_area, everything, guard, own, unguard

MINE = own("partner_user_id")
CALLS = f"{MINE} AND {anywhere('dci.call')}"
GUARDS = {
    "sharing_partner": guard(
        "sharing_partner",
        select=f"{everything('partners.read')} OR {everything('agreements.read')} OR {own('user_id')}",
        insert=everything("partners.manage"),
        update=everything("partners.manage"),
        update_columns=("name", "profile", "signature_optional", "jwks", "callback_hosts", "per_second", "daily_calls",
                        "secret_hash", "closed_at"),
        owner=True,
    ),  # fmt: skip
    "sharing_agreement": guard(
        "sharing_agreement",
        select=f"{everything('agreements.read')} OR {MINE}",
        insert=f"{everything('agreements.draft')} AND state = 'DRAFT' AND {own('drafted_by')}",
        update=everything("agreements.draft"),
        update_columns=("state", "ended_at", "signatures", "destruction_certificate"),
        owner=True,
    ),
    "sharing_approval": guard(
        "sharing_approval",
        select=everything("agreements.read"),
        insert=f"{everything('sharing.approve')} AND {own('actor_id')}",
        owner=True,
    ),
    "sharing_extract": guard(
        "sharing_extract",
        select=f"{everything('agreements.read')} OR {MINE}",
        insert=f"{everything('agreements.draft')} AND state = 'DRAFT' AND {own('asked_by')}",
        update=f"{everything('agreements.draft')} OR {MINE}",
        update_columns=("state", "rows", "sha256", "manifest", "delivered_at", "expires_at", "fetched_count",
                        "message"),
        owner=True,
    ),  # fmt: skip
    "sharing_extractperson": guard(
        "sharing_extractperson", select=f"{everything('agreements.read')} OR {MINE}", insert=CALLS, owner=True
    ),
    "sharing_message": guard(
        "sharing_message",
        select=f"{everything('partners.read')} OR {MINE}",
        insert=CALLS,
        update=MINE,
        update_columns=("state", "outcome", "items", "records", "attempts", "answer_ciphertext"),
    ),
    "sharing_subscription": guard(
        "sharing_subscription",
        select=f"{everything('partners.read')} OR {MINE}",
        insert=CALLS,
        update=MINE,
        update_columns=("ended_at", "last_seen_id"),
    ),
    "sharing_refusal": guard(
        "sharing_refusal",
        select=by_area("registry.read"),
        insert=by_area("registry.write"),
        update=by_area("registry.write"),
        update_columns=("ended_at",),
        owner=True,
    ),
    "sharing_usage": guard("sharing_usage", select=f"{everything('partners.read')} OR {MINE}", owner=True),
    "sharing_citizencode": guard("sharing_citizencode", owner=True),
}
_FOLDER = Path(__file__).parents[1] / "sql"
SQL = (_FOLDER / "agreements.sql").read_text() + (_FOLDER / "citizen.sql").read_text()
# what the definer functions of a person's own file read: an owner whom policies hold passes
READ_BY_OWNER = ("registry_person", "registry_membership", "registry_household", "registry_householdversion", "registry_alias",
                 "assessment_score", "beneficiaries_benefit")
UNDO = """
DROP FUNCTION khana_private.sharing_approve() CASCADE;
DROP FUNCTION khana_private.sharing_agreement_moves() CASCADE;
DROP FUNCTION khana_private.sharing_extract_moves() CASCADE;
DROP FUNCTION khana_private.sharing_adopt_extract(text);
DROP FUNCTION khana_private.sharing_client_token(text, text, integer);
DROP FUNCTION khana_private.sharing_count(integer, bigint, date);
DROP FUNCTION khana_private.citizen_start(bytea[], bytea, timestamptz);
DROP FUNCTION khana_private.citizen_file(bytea[], bytea, timestamptz);
DROP FUNCTION khana_private.citizen_say(bytea[], bytea, text, timestamptz);
DROP FUNCTION khana_private.citizen_who(bytea[], bytea, timestamptz);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("sharing", "0001_initial"),
        ("access", "0006_mandates"),
        # after the last that writes all policies of a table anew: it would take the owner's away again
        ("registry", "0004_alias_policies"),
        ("assessment", "0004_policies"),
        ("beneficiaries", "0002_policies"),
    ]

    operations = [
        *(migrations.RunSQL(body, unguard(table)) for table, body in GUARDS.items()),
        *(
            migrations.RunSQL(
                f"CREATE POLICY {table}_owner ON {table} TO CURRENT_USER USING (true);",
                f"DROP POLICY {table}_owner ON {table};",
            )
            for table in READ_BY_OWNER
        ),
        migrations.RunSQL(SQL, UNDO),
    ]
