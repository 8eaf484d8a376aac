-- The journey writes to the registry, which an enumerator may not. The worker process alone may open its session, and only
-- while somebody acts who sends or works off submissions; the event log names both.
CREATE OR REPLACE FUNCTION khana_private.intake_open_journey() RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    asker bigint := khana_private.access_actor();
    who bigint;
BEGIN
    IF asker IS NULL OR NOT (khana_private.access_has('submissions.send') OR khana_private.access_has('submissions.process')) THEN
        RAISE EXCEPTION 'not permitted' USING ERRCODE = 'KH403', DETAIL = 'submissions.process';
    END IF;
    who := khana_private.access_system_user('khana-journey', 'Registration journey', 'journey', 'submissions.process');
    PERFORM khana_private.audit_write(asker, 'intake.journey_opened', 'user:' || who, '{}', now());
    RETURN khana_private.access_new_session(who, 'JOB', interval '1 day', true);
END $$;
REVOKE ALL ON FUNCTION khana_private.intake_open_journey() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION khana_private.intake_open_journey() TO khana_worker;

-- the number of a user by her name, for who assigns lists; users are a closed table
CREATE OR REPLACE FUNCTION khana_private.intake_user_id(p_username text) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT khana_private.access_has('entities.write') THEN
        RAISE EXCEPTION 'not permitted' USING ERRCODE = 'KH403', DETAIL = 'entities.write';
    END IF;
    RETURN khana_private.access_user_id(p_username);
END $$;
REVOKE ALL ON FUNCTION khana_private.intake_user_id(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION khana_private.intake_user_id(text) TO khana_web, khana_worker;
