-- What the worker does without anybody: asked in one place who may, and in one place in whose name.

-- The worker process by itself, or who holds the permission for the whole country.
CREATE FUNCTION khana_private.access_worker_or(p_permission text) RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF session_user = 'khana_worker' AND khana_private.access_actor() IS NULL THEN
        RETURN;
    END IF;
    IF NOT khana_private.access_everything(p_permission) THEN
        RAISE EXCEPTION 'not permitted' USING ERRCODE = 'KH403', DETAIL = p_permission;
    END IF;
END $$;

-- A name of the system's own with one role, made when it is first asked for; an officer may close it. Each function that opens a
-- session under one says itself who may ask.
CREATE FUNCTION khana_private.access_system_user(p_username text, p_display_name text, p_role text, p_permission text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    who bigint;
BEGIN
    INSERT INTO public.access_user (username, display_name, language, kind, is_active, created_at)
    VALUES (p_username, p_display_name, 'en', 'SYSTEM', true, now())
    ON CONFLICT (username) DO NOTHING;
    SELECT u.id INTO who FROM public.access_user u WHERE u.username = p_username AND u.kind = 'SYSTEM' AND u.is_active;
    IF who IS NULL THEN
        RAISE EXCEPTION 'this name of the system is closed' USING ERRCODE = 'KH403', DETAIL = p_permission;
    END IF;
    INSERT INTO public.access_grant (user_id, role, area_path, agency, valid_from)
    SELECT who, p_role, '', '', now()
    WHERE NOT EXISTS (SELECT FROM public.access_grant g WHERE g.user_id = who AND g.role = p_role AND g.valid_to IS NULL);
    RETURN who;
END $$;

REVOKE ALL ON FUNCTION khana_private.access_worker_or(text), khana_private.access_system_user(text, text, text, text) FROM PUBLIC;
