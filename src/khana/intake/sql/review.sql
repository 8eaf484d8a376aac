-- The nightly checks read filled forms in a name of their own. The worker process alone may open their session.
CREATE FUNCTION khana_private.intake_open_review() RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    who bigint;
BEGIN
    INSERT INTO public.access_user (username, display_name, language, kind, is_active, created_at)
    VALUES ('khana-field-review', 'Nightly field review', 'en', 'SYSTEM', true, now())
    ON CONFLICT (username) DO NOTHING;
    SELECT u.id INTO who FROM public.access_user u WHERE u.username = 'khana-field-review' AND u.kind = 'SYSTEM' AND u.is_active;
    IF who IS NULL THEN
        RAISE EXCEPTION 'the nightly review is closed' USING ERRCODE = 'KH403', DETAIL = 'submissions.read';
    END IF;
    INSERT INTO public.access_grant (user_id, role, area_path, agency, valid_from)
    SELECT who, 'field_review', '', '', now()
    WHERE NOT EXISTS (SELECT FROM public.access_grant g WHERE g.user_id = who AND g.role = 'field_review' AND g.valid_to IS NULL);
    RETURN khana_private.access_new_session(who, 'JOB', interval '1 hour', true);
END $$;
REVOKE ALL ON FUNCTION khana_private.intake_open_review() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION khana_private.intake_open_review() TO khana_worker;
