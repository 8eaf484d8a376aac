-- The nightly checks read filled forms in a name of their own. The worker process alone may open their session.
CREATE OR REPLACE FUNCTION khana_private.intake_open_review() RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN khana_private.access_new_session(
        khana_private.access_system_user('khana-field-review', 'Nightly field review', 'field_review', 'submissions.read'),
        'JOB', interval '1 hour', true);
END $$;
REVOKE ALL ON FUNCTION khana_private.intake_open_review() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION khana_private.intake_open_review() TO khana_worker;
