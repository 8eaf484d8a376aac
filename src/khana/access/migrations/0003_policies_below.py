"""Row policies of the rooms below this one: platform, audit, geo; and rights on the job queue."""

from django.db import migrations

from khana.access.policies import LIVE_SESSION, anywhere, everything, guard, own, unguard

JOB_COLUMNS = (
    "state", "phase", "progress_done", "progress_total", "cancel_requested", "message", "error_code", "result",
    "started_at", "heartbeat_at", "ended_at",
)  # fmt: skip

GUARDS = {
    "platform_storedfile": guard("platform_storedfile", select=LIVE_SESSION, insert=LIVE_SESSION),
    # who asked for a job, and what for, never changes: the worker acts in that person's name
    "platform_jobrun": guard(
        "platform_jobrun",
        select=f"{own('actor_id')} OR {everything('jobs.manage')}",
        insert=own("actor_id"),
        update=f"{own('actor_id')} OR {everything('jobs.manage')}",
        update_columns=JOB_COLUMNS,
        owner=True,
    )
    + """
CREATE POLICY platform_jobrun_worker_select ON platform_jobrun FOR SELECT TO khana_worker USING (true);
CREATE POLICY platform_jobrun_worker_update ON platform_jobrun FOR UPDATE TO khana_worker
    USING (true) WITH CHECK (true);""",
    "audit_event": guard(
        "audit_event", select=f"{own('actor_id')} OR {everything('audit.read')}", owner=True
    ),
    "audit_seal": guard("audit_seal", select=everything("audit.read"), owner=True),
    "geo_area": guard(
        "geo_area",
        select=LIVE_SESSION,
        insert=everything("areas.load"),
        update=everything("areas.load"),
        owner=True,
    ),
}

APPEND_ONLY = """
CREATE FUNCTION khana_private.audit_refuse_change() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'the event log is only added to' USING ERRCODE = 'KH403', DETAIL = TG_TABLE_NAME;
END $$;
REVOKE ALL ON FUNCTION khana_private.audit_refuse_change() FROM PUBLIC;
CREATE TRIGGER audit_event_append_only BEFORE UPDATE OR DELETE ON audit_event
    FOR EACH ROW EXECUTE FUNCTION khana_private.audit_refuse_change();
CREATE TRIGGER audit_event_no_truncate BEFORE TRUNCATE ON audit_event
    FOR EACH STATEMENT EXECUTE FUNCTION khana_private.audit_refuse_change();
CREATE TRIGGER audit_seal_append_only BEFORE UPDATE OR DELETE ON audit_seal
    FOR EACH ROW EXECUTE FUNCTION khana_private.audit_refuse_change();
CREATE TRIGGER audit_seal_no_truncate BEFORE TRUNCATE ON audit_seal
    FOR EACH STATEMENT EXECUTE FUNCTION khana_private.audit_refuse_change();
"""

QUEUE = """
GRANT SELECT ON django_migrations TO khana_web, khana_worker;
GRANT SELECT, INSERT ON procrastinate_jobs, procrastinate_events TO khana_web;
GRANT SELECT, INSERT, UPDATE, DELETE ON procrastinate_jobs, procrastinate_events,
    procrastinate_periodic_defers, procrastinate_workers TO khana_worker;
GRANT USAGE ON SEQUENCE procrastinate_jobs_id_seq, procrastinate_events_id_seq TO khana_web;
GRANT USAGE ON SEQUENCE procrastinate_jobs_id_seq, procrastinate_events_id_seq,
    procrastinate_periodic_defers_id_seq, procrastinate_workers_id_seq TO khana_worker;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0002_functions"),
        ("procrastinate", "0041_post_retry_failed_job"),
    ]

    operations = [
        *(migrations.RunSQL(body, unguard(table)) for table, body in GUARDS.items()),
        migrations.RunSQL(APPEND_ONLY, "DROP FUNCTION khana_private.audit_refuse_change() CASCADE;"),
        migrations.RunSQL(QUEUE, migrations.RunSQL.noop),
    ]
