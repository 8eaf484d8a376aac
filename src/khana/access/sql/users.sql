-- Users and grants. The permission is asked inside: the web and worker roles cannot write the
-- tables. The owner of the database may too: it makes the first administrator.
CREATE FUNCTION khana_private.access_require_user_manager() RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT khana_private.access_is_owner() AND NOT khana_private.access_everything('users.manage') THEN
        RAISE EXCEPTION 'not permitted' USING ERRCODE = 'KH403', DETAIL = 'users.manage';
    END IF;
END $$;

CREATE FUNCTION khana_private.access_user_id(p_username text) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    who bigint;
BEGIN
    SELECT u.id INTO who FROM public.access_user u WHERE u.username = lower(p_username);
    IF who IS NULL THEN
        RAISE EXCEPTION 'no such user' USING ERRCODE = 'KH404', DETAIL = 'user';
    END IF;
    RETURN who;
END $$;

CREATE FUNCTION khana_private.access_add_user(
    p_username text, p_display_name text, p_language text, p_kind text,
    p_salt bytea, p_verifier bytea, p_totp_ciphertext bytea, p_at timestamptz)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    who bigint;
BEGIN
    PERFORM khana_private.access_require_user_manager();
    INSERT INTO public.access_user (username, display_name, language, kind, is_active, created_at)
    VALUES (lower(p_username), p_display_name, p_language, p_kind, true, p_at)
    ON CONFLICT (username) DO NOTHING RETURNING id INTO who;
    IF who IS NULL THEN
        RAISE EXCEPTION 'the name is taken' USING ERRCODE = 'KH409', DETAIL = 'username';
    END IF;
    IF p_verifier IS NOT NULL THEN
        INSERT INTO public.access_credential (user_id, salt, verifier, totp_ciphertext, totp_last_step, failed_count)
        VALUES (who, p_salt, p_verifier, p_totp_ciphertext, 0, 0);
    END IF;
    PERFORM khana_private.audit_write(khana_private.access_actor(), 'access.user_added', 'user:' || who,
                                      jsonb_build_object('kind', p_kind), p_at);
    RETURN who;
END $$;

CREATE FUNCTION khana_private.access_add_grant(
    p_username text, p_role text, p_area_code text, p_agency text, p_at timestamptz)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor bigint := khana_private.access_actor();
    who bigint;
    path text := '';
    made bigint;
BEGIN
    PERFORM khana_private.access_require_user_manager();
    who := khana_private.access_user_id(p_username);
    IF who = actor THEN
        RAISE EXCEPTION 'nobody grants to herself' USING ERRCODE = 'KH403', DETAIL = 'users.manage';
    END IF;
    IF coalesce(p_area_code, '') <> '' THEN
        SELECT a.path INTO path FROM public.geo_area a WHERE a.code = p_area_code
        ORDER BY a.valid_to DESC NULLS FIRST, a.valid_from DESC LIMIT 1;
        IF coalesce(path, '') = '' THEN
            RAISE EXCEPTION 'no such area' USING ERRCODE = 'KH404', DETAIL = 'area';
        END IF;
    END IF;
    INSERT INTO public.access_grant (user_id, role, area_path, agency, valid_from, granted_by)
    VALUES (who, p_role, path, coalesce(p_agency, ''), least(p_at, now()), actor) RETURNING id INTO made;
    PERFORM khana_private.audit_write(actor, 'access.granted', 'user:' || who,
        jsonb_build_object('grant', made, 'role', p_role, 'area', path, 'agency', coalesce(p_agency, '')), p_at);
    RETURN made;
END $$;

CREATE FUNCTION khana_private.access_end_grant(p_grant bigint, p_at timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    who bigint;
BEGIN
    PERFORM khana_private.access_require_user_manager();
    UPDATE public.access_grant SET valid_to = now() WHERE id = p_grant AND valid_to IS NULL
    RETURNING user_id INTO who;
    IF who IS NULL THEN
        RAISE EXCEPTION 'no such grant in force' USING ERRCODE = 'KH404', DETAIL = 'grant';
    END IF;
    PERFORM khana_private.audit_write(khana_private.access_actor(), 'access.grant_ended', 'user:' || who,
                                      jsonb_build_object('grant', p_grant), p_at);
END $$;

CREATE FUNCTION khana_private.access_reset_password(
    p_username text, p_salt bytea, p_verifier bytea, p_totp_ciphertext bytea, p_at timestamptz)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    who bigint;
BEGIN
    PERFORM khana_private.access_require_user_manager();
    who := khana_private.access_user_id(p_username);
    INSERT INTO public.access_credential (user_id, salt, verifier, totp_ciphertext, totp_last_step, failed_count)
    VALUES (who, p_salt, p_verifier, p_totp_ciphertext, 0, 0)
    ON CONFLICT (user_id) DO UPDATE SET salt = EXCLUDED.salt, verifier = EXCLUDED.verifier,
        totp_ciphertext = EXCLUDED.totp_ciphertext, totp_last_step = 0, failed_count = 0, locked_until = NULL;
    UPDATE public.access_session SET closed_at = now() WHERE user_id = who AND closed_at IS NULL;
    PERFORM khana_private.audit_write(khana_private.access_actor(), 'access.password_reset', 'user:' || who,
                                      '{}', p_at);
END $$;

CREATE FUNCTION khana_private.access_set_active(p_username text, p_active boolean, p_at timestamptz)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    who bigint;
BEGIN
    PERFORM khana_private.access_require_user_manager();
    who := khana_private.access_user_id(p_username);
    UPDATE public.access_user SET is_active = p_active WHERE id = who;
    UPDATE public.access_session SET closed_at = now() WHERE user_id = who AND closed_at IS NULL AND NOT p_active;
    PERFORM khana_private.audit_write(khana_private.access_actor(),
        CASE WHEN p_active THEN 'access.user_opened' ELSE 'access.user_closed' END, 'user:' || who, '{}', p_at);
END $$;

-- A first token for a user whom one has just made. Not for one who has ever had a session: nobody
-- may act under another's name.
CREATE FUNCTION khana_private.access_first_token(p_username text, p_ttl interval) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    who bigint;
BEGIN
    PERFORM khana_private.access_require_user_manager();
    who := khana_private.access_user_id(p_username);
    IF NOT khana_private.access_is_owner()
       AND EXISTS (SELECT FROM public.access_session s WHERE s.user_id = who) THEN
        RAISE EXCEPTION 'the user has had a session' USING ERRCODE = 'KH403', DETAIL = 'users.manage';
    END IF;
    PERFORM khana_private.audit_write(khana_private.access_actor(), 'access.first_token', 'user:' || who,
                                      '{}', now());
    RETURN khana_private.access_new_session(who, 'TOKEN', p_ttl, true);
END $$;

CREATE FUNCTION khana_private.access_list_users()
RETURNS TABLE (id bigint, username text, display_name text, language text, kind text, is_active boolean,
               second_factor boolean, is_locked boolean, grants jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    IF NOT khana_private.access_is_owner() AND NOT khana_private.access_everything('users.read') THEN
        RAISE EXCEPTION 'not permitted' USING ERRCODE = 'KH403', DETAIL = 'users.read';
    END IF;
    RETURN QUERY
    SELECT u.id, u.username, u.display_name, u.language::text, u.kind, u.is_active,
           c.totp_ciphertext IS NOT NULL, coalesce(c.locked_until > now(), false),
           coalesce((SELECT jsonb_agg(jsonb_build_object('id', g.id, 'role', g.role, 'area_path', g.area_path,
                                                         'agency', g.agency) ORDER BY g.id)
                     FROM public.access_grant g
                     WHERE g.user_id = u.id AND (g.valid_to IS NULL OR g.valid_to > now())), '[]')
    FROM public.access_user u LEFT JOIN public.access_credential c ON c.user_id = u.id ORDER BY u.username;
END $$;
