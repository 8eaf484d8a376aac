"""Row policies of quotas, filters, evaluations and lists; triggers that keep a list as it was approved."""

from pathlib import Path

from django.db import migrations

from khana.access.policies import LIVE_SESSION, anywhere, by_agency, by_agency_and_area, by_area, by_open_area, everything, guard, own, unguard

DRAW = everything("lists.draw")
READ = by_agency_and_area("lists.read")
WRITE = by_agency("programmes.write")
APPROVE = by_agency("lists.approve")
PROPOSE = by_area("lists.propose")
APPEAL = by_area("filters.appeal")

GUARDS = {
    "programmes_quota": guard("programmes_quota", select=LIVE_SESSION, insert=WRITE),
    "programmes_exclusionfilter": guard(
        "programmes_exclusionfilter", select=LIVE_SESSION, insert=WRITE, update=WRITE
    ),
    "programmes_filterappeal": guard(
        "programmes_filterappeal",
        select=APPEAL,
        insert=f"({APPEAL}) AND {own('lodged_by')} AND decided_by IS NULL AND state = 'LODGED'",
        update=f"({APPEAL}) AND (decided_by IS NULL OR {own('decided_by')})",
        update_columns=("state", "decided_by", "decided_label", "decided_at", "decision"),
    ),
    "programmes_evaluation": guard(
        "programmes_evaluation",
        select=anywhere("results.read"),
        insert=f"{DRAW} AND {own('actor_id')}",
        update=DRAW,
        update_columns=("state", "snapshot", "summary", "ended_at"),
    ),
    "programmes_answercount": guard("programmes_answercount", select=anywhere("results.read"), insert=DRAW),
    "programmes_unserved": guard("programmes_unserved", select=by_open_area("recipients.read"), insert=DRAW),
    "programmes_disasterevent": guard(
        "programmes_disasterevent", select=LIVE_SESSION, insert=f"{DRAW} AND {own('created_by')}"
    ),
    "programmes_selectionlist": guard(
        "programmes_selectionlist",
        select=anywhere("lists.read"),
        insert=f"{DRAW} AND {own('created_by')} AND state = 'OPEN' AND frozen_hash = '' AND head_hash = drawn_hash",
        update=f"{DRAW} OR {APPROVE}",
        update_columns=("state", "frozen_by", "frozen_at", "frozen_hash"),
        owner=True,
    ),
    "programmes_listentry": guard(
        "programmes_listentry", select=READ, insert=f"{DRAW} AND state = drawn_state", owner=True
    ),
    "programmes_listchange": guard(
        "programmes_listchange", select=READ, insert=f"({PROPOSE} OR {APPROVE}) AND {own('recorded_by')}"
    ),
    "programmes_listapproval": guard(
        "programmes_listapproval",
        select=anywhere("lists.read"),
        insert=f"({APPROVE}) AND {own('actor_id')}",
        owner=True,
    ),
    "programmes_proposal": guard(
        "programmes_proposal",
        select=READ,
        insert=f"({PROPOSE}) AND {own('proposed_by')} AND decided_by IS NULL AND state = 'PROPOSED'",
        update=f"({APPROVE}) AND (decided_by IS NULL OR {own('decided_by')})",
        update_columns=("state", "decided_by", "decided_label", "decided_at", "reason"),
    ),
    "programmes_recheck": guard(
        "programmes_recheck", select=READ, insert=f"({PROPOSE} OR {APPROVE}) AND {own('recorded_by')}"
    ),
}
TRIGGERS = (Path(__file__).parents[1] / "sql" / "lists.sql").read_text()
NO_TRIGGERS = "\n".join(
    f"DROP FUNCTION khana_private.{name}() CASCADE;"
    for name in (
        "programmes_list_change", "programmes_list_approval", "programmes_list_moves", "programmes_entries_come",
        "programmes_decided_once",
    )
)  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("programmes", "0003_lists_and_evaluations"), ("access", "0006_mandates")]

    operations = [
        *(migrations.RunSQL(body, unguard(table)) for table, body in GUARDS.items()),
        migrations.RunSQL(TRIGGERS, NO_TRIGGERS),
    ]
