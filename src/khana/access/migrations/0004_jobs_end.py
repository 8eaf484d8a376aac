"""A job that is done stays done: the worker cannot wake it to act again in its asker's name."""

from django.db import migrations

GUARD = """
CREATE FUNCTION khana_private.platform_job_ends() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'a job that is done stays done' USING ERRCODE = 'KH409', DETAIL = 'job';
END $$;
REVOKE ALL ON FUNCTION khana_private.platform_job_ends() FROM PUBLIC;
CREATE TRIGGER platform_jobrun_ends BEFORE UPDATE OF state ON platform_jobrun FOR EACH ROW
    WHEN (OLD.state = 'DONE' AND NEW.state <> 'DONE') EXECUTE FUNCTION khana_private.platform_job_ends();
"""


class Migration(migrations.Migration):
    dependencies = [("access", "0003_policies_below")]

    operations = [migrations.RunSQL(GUARD, "DROP FUNCTION khana_private.platform_job_ends() CASCADE;")]
