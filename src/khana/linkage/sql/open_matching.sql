-- After an upgrade, or a model's first approval, the register is compared once without anybody asking: in a name of its own. The
-- worker process alone may open its session.
CREATE FUNCTION khana_private.linkage_open_matching() RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    who bigint;
BEGIN
    INSERT INTO public.access_user (username, display_name, language, kind, is_active, created_at)
    VALUES ('khana-matching', 'Matching after an upgrade', 'en', 'SYSTEM', true, now())
    ON CONFLICT (username) DO NOTHING;
    SELECT u.id INTO who FROM public.access_user u WHERE u.username = 'khana-matching' AND u.kind = 'SYSTEM' AND u.is_active;
    IF who IS NULL THEN
        RAISE EXCEPTION 'matching by itself is closed' USING ERRCODE = 'KH403', DETAIL = 'linkage.manage';
    END IF;
    INSERT INTO public.access_grant (user_id, role, area_path, agency, valid_from)
    SELECT who, 'system', '', '', now()
    WHERE NOT EXISTS (SELECT FROM public.access_grant g WHERE g.user_id = who AND g.role = 'system' AND g.valid_to IS NULL);
    RETURN khana_private.access_new_session(who, 'JOB', interval '1 hour', true);
END $$;
REVOKE ALL ON FUNCTION khana_private.linkage_open_matching() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION khana_private.linkage_open_matching() TO khana_worker;
