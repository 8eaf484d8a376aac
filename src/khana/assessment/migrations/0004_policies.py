"""Row policies of models, signatures, runs, overrides and scenarios; what is signed stays as it is."""

from django.db import migrations

from khana.access.policies import anywhere, by_area, everything, guard, own, unguard

RUNS = everything("scores.run")
OVERRIDE = by_area("scores.override")
SIGN = everything("models.activate")
# the second signature is the actor's own; an open row may also be taken back
SIGNED = "(confirmed_by IS NULL OR {confirmed}) AND (withdrawn_by IS NULL OR {withdrawn})".format(
    confirmed=own("confirmed_by"), withdrawn=own("withdrawn_by")
)
SIGNATURE = ("confirmed_by", "confirmed_label", "confirmed_at", "withdrawn_by", "withdrawn_at")
# at the desk a household is scored by a model; a score without one can only arrive with a delivery
DESK = f"(model_id IS NOT NULL AND ({by_area('scores.desk')}))"

GUARDS = {
    "assessment_modelversion": guard(
        "assessment_modelversion",
        select=anywhere("models.read"),
        insert=f"{everything('models.write')} AND {own('created_by')}",
    ),
    "assessment_activation": guard(
        "assessment_activation",
        select=anywhere("models.read"),
        insert=f"{SIGN} AND {own('proposed_by')} AND confirmed_by IS NULL",
        update=f"{SIGN} AND {SIGNED}",
        update_columns=SIGNATURE,
    ),
    "assessment_scoringrun": guard(
        "assessment_scoringrun",
        select=anywhere("models.read"),
        insert=f"{RUNS} AND {own('actor_id')}",
        update=RUNS,
        update_columns=("state", "snapshot", "summary", "ended_at"),
    ),
    "assessment_unscored": guard(
        "assessment_unscored", select=by_area("scores.read"), insert=RUNS, delete=RUNS
    ),
    "assessment_override": guard(
        "assessment_override",
        select=by_area("scores.read"),
        insert=f"({OVERRIDE}) AND {own('proposed_by')} AND confirmed_by IS NULL",
        update=f"({OVERRIDE}) AND {SIGNED}",
        update_columns=SIGNATURE,
    ),
    "assessment_snapshot": guard(
        "assessment_snapshot",
        select=anywhere("models.read"),
        insert=f"{RUNS} OR {everything('models.write')}",
        delete=f"{RUNS} OR {everything('models.write')}",
    ),
    "assessment_scenario": guard(
        "assessment_scenario",
        select=anywhere("models.read"),
        insert=f"{anywhere('scenarios.write')} AND {own('created_by')}",
        delete=f"{anywhere('scenarios.write')} AND {own('created_by')}",
    ),
}
SCORE = guard(
    "assessment_score",
    select=by_area("scores.read"),
    insert=f"{by_area('scores.write')} OR {DESK}",
    update=f"{by_area('scores.write')} OR {DESK}",
    update_columns=("superseded_at",),
)
SCORE_BEFORE = guard(
    "assessment_score",
    select=by_area("scores.read"),
    insert=by_area("scores.write"),
    update=by_area("scores.write"),
    update_columns=("superseded_at",),
)
SIGNED_ONCE = """
CREATE FUNCTION khana_private.assessment_signed_once() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF OLD.confirmed_by IS NOT NULL OR OLD.withdrawn_by IS NOT NULL THEN
        RAISE EXCEPTION 'what is signed or taken back stays as it is' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION khana_private.assessment_signed_once() FROM PUBLIC;
"""
TRIGGERS = "\n".join(
    f"CREATE TRIGGER {table}_signed_once BEFORE UPDATE ON assessment_{table}"
    " FOR EACH ROW EXECUTE FUNCTION khana_private.assessment_signed_once();"
    for table in ("activation", "override")
)
NO_TRIGGERS = """
DROP TRIGGER activation_signed_once ON assessment_activation;
DROP TRIGGER override_signed_once ON assessment_override;
DROP FUNCTION khana_private.assessment_signed_once;
"""


class Migration(migrations.Migration):
    dependencies = [("assessment", "0003_models_and_runs"), ("access", "0003_policies_below")]

    operations = [
        *(migrations.RunSQL(body, unguard(table)) for table, body in GUARDS.items()),
        migrations.RunSQL(unguard("assessment_score"), SCORE_BEFORE),
        migrations.RunSQL(SCORE, unguard("assessment_score")),
        migrations.RunSQL(SIGNED_ONCE + TRIGGERS, NO_TRIGGERS),
    ]
