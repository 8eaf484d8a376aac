"""Row policies of matching: a pair is seen where both of its areas are, a model is used when two approved it."""

from pathlib import Path

from django.db import migrations

from khana.access.policies import anywhere, by_area, everything, guard, own, unguard

MANAGE, ACTIVATE = everything("linkage.manage"), everything("linkage.activate")


def both(permission: str) -> str:
    return f"(({by_area(permission)}) AND ({by_area(permission, 'left_area_path')}))"


GUARDS = {
    "linkage_matchingmodel": guard(
        "linkage_matchingmodel",
        select=anywhere("linkage.read"),
        insert=MANAGE,
        update=f"{MANAGE} OR {ACTIVATE}",
        update_columns=("state", "activated_at", "retired_at", "estimate"),
    ),
    "linkage_approval": guard(
        "linkage_approval", select=anywhere("linkage.read"), insert=f"{ACTIVATE} AND {own('approved_by')}"
    ),
    "linkage_linkagerun": guard(
        "linkage_linkagerun",
        select=anywhere("linkage.read"),
        insert=f"{MANAGE} AND {own('actor_id')}",
        update=MANAGE,
        update_columns=("state", "snapshot", "counts", "ended_at"),
    ),
    "linkage_pair": guard(
        "linkage_pair",
        select=both("linkage.read"),
        insert=MANAGE,
        update=f"{MANAGE} OR {both('linkage.review')}",
        delete=MANAGE,
        update_columns=(
            "run_id", "area_path", "left_area_path", "match_weight", "probability", "bits", "contradiction", "cluster",
            "stratum", "decision", "decided_by", "decided_at", "stake", "gain", "wants_second", "sample",
        ),
    ),
    "linkage_label": guard(
        "linkage_label", select=both("linkage.read"), insert=f"{both('linkage.review')} AND {own('labelled_by')}"
    ),
    "linkage_clustermember": guard(
        "linkage_clustermember", select=by_area("linkage.read"), insert=MANAGE, delete=MANAGE
    ),
}
TWO_PEOPLE = (Path(__file__).parents[1] / "sql" / "two_people.sql").read_text()
UNDO = """
DROP TRIGGER model_two_people ON linkage_matchingmodel;
DROP FUNCTION khana_private.linkage_model_two_people;
DROP TRIGGER pair_decided_by ON linkage_pair;
DROP FUNCTION khana_private.linkage_pair_decided_by;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("linkage", "0001_initial"),
        ("access", "0003_policies_below"),
    ]

    operations = [
        *(migrations.RunSQL(body, unguard(table)) for table, body in GUARDS.items()),
        migrations.RunSQL(TWO_PEOPLE, UNDO),
    ]
