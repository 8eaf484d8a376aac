"""Row policies of notices and wishes, and the worker's way into a partner's own scope."""

from pathlib import Path

from django.db import migrations

from khana.access.policies import anywhere, everything, guard, own, unguard

MINE = own("partner_user_id")
CALLS = f"{MINE} AND {anywhere('dci.call')}"
GUARDS = {
    "sharing_notice": guard(
        "sharing_notice",
        select=f"{everything('partners.read')} OR {MINE}",
        insert=CALLS,
        update=MINE,
        update_columns=("state", "attempts", "http_status", "next_try_at", "taken_at"),
        owner=True,
    ),
    "sharing_told": guard("sharing_told", select=MINE, insert=CALLS, delete=MINE),
    "sharing_wish": guard(
        "sharing_wish",
        select=f"{everything('partners.read')} OR {MINE}",
        insert=everything("partners.manage"),
        update=f"{everything('partners.manage')} OR {MINE}",
        update_columns=("state", "code", "answer_ciphertext", "answered_at"),
        owner=True,
    ),
}
SQL = (Path(__file__).parents[1] / "sql" / "notify.sql").read_text()
UNDO = """
DROP FUNCTION khana_private.sharing_adopt_partner(text);
DROP FUNCTION khana_private.sharing_open_subscriptions(text);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("sharing", "0006_notices"),
        ("access", "0010_owner_reads_ciphertext"),  # of sharing_subscription
    ]

    operations = [
        *(migrations.RunSQL(body, unguard(table)) for table, body in GUARDS.items()),
        migrations.RunSQL(SQL, UNDO),
    ]
