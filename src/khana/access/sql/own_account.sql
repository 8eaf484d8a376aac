-- One's own password and sessions. What an administrator hands over opens only the door to a password of one's own, for seven
-- days; a change asks for the old one and the code again, and ends every other session (OWASP ASVS 5.0: 6.2.3, 6.4.1, 7.4.3).

-- How a password is stretched: scrypt with N = 2^15, r = 8 and so many blocks. Passwords from before have one block until they
-- are changed; whoever does not exist has as many as everybody new.
CREATE FUNCTION khana_private.access_stretch(p_username text) RETURNS TABLE (salt bytea, blocks smallint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT khana_private.access_salt(p_username),
           coalesce((SELECT c.blocks FROM public.access_user u JOIN public.access_credential c ON c.user_id = u.id
                     WHERE u.username = lower(p_username)), 3::smallint)
$$;

CREATE FUNCTION khana_private.access_new_blocks() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.blocks := 3;
    RETURN NEW;
END $$;
CREATE TRIGGER access_new_blocks BEFORE INSERT OR UPDATE OF verifier ON public.access_credential
    FOR EACH ROW EXECUTE FUNCTION khana_private.access_new_blocks();

-- Say of a password just given that somebody else knows it.
CREATE FUNCTION khana_private.access_mark_first_password(p_username text, p_until timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM khana_private.access_require_user_manager();
    UPDATE public.access_credential SET first_until = least(p_until, now() + interval '30 days')
    WHERE user_id = khana_private.access_user_id(p_username);
END $$;

-- Outcome FREE, HELD or OVER, of a session that every factor has opened: under a first password it is held back until a
-- password of one's own is chosen.
CREATE FUNCTION khana_private.access_hold_first(p_token text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    mark bytea := sha256(convert_to(p_token, 'UTF8'));
    who bigint;
    until timestamptz;
BEGIN
    SELECT s.user_id, c.first_until INTO who, until
    FROM public.access_session s JOIN public.access_credential c ON c.user_id = s.user_id
    WHERE s.token_hash = mark AND s.confirmed_at IS NOT NULL AND s.closed_at IS NULL;
    IF until IS NULL THEN
        RETURN 'FREE';
    END IF;
    IF until < now() THEN
        UPDATE public.access_session SET closed_at = now() WHERE token_hash = mark;
        PERFORM khana_private.audit_write(who, 'access.first_password_over', 'user:' || who, '{}', now());
        RETURN 'OVER';
    END IF;
    UPDATE public.access_session SET confirmed_at = NULL, held_at = now() WHERE token_hash = mark;
    RETURN 'HELD';
END $$;

-- As before; a session that is held back is none that waits for a code.
CREATE OR REPLACE FUNCTION khana_private.access_pending(p_token text)
RETURNS TABLE (user_id bigint, totp_ciphertext bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT s.user_id, c.totp_ciphertext
    FROM public.access_session s JOIN public.access_user u ON u.id = s.user_id
    JOIN public.access_credential c ON c.user_id = u.id
    WHERE s.token_hash = sha256(convert_to(p_token, 'UTF8')) AND u.is_active
      AND s.confirmed_at IS NULL AND s.held_at IS NULL AND s.closed_at IS NULL
      AND least(s.expires_at, s.opened_at + interval '10 minutes') > now()
      AND (c.locked_until IS NULL OR c.locked_until <= now())
$$;

-- Who stands at that door, and the salt of the password that she may not choose again.
CREATE FUNCTION khana_private.access_held(p_token text)
RETURNS TABLE (user_id bigint, username text, display_name text, salt bytea, blocks smallint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT u.id, u.username, u.display_name, c.salt, c.blocks
    FROM public.access_session s JOIN public.access_user u ON u.id = s.user_id
    JOIN public.access_credential c ON c.user_id = u.id
    WHERE s.token_hash = sha256(convert_to(p_token, 'UTF8')) AND u.is_active AND s.confirmed_at IS NULL
      AND s.held_at > now() - interval '15 minutes' AND s.closed_at IS NULL AND s.expires_at > now()
      AND c.first_until > now()
$$;

-- Outcome OK, SAME or REFUSED. A password of her own: every session and token that was made before ends, a new one is given.
-- p_again is the new password under the old salt, so that the old one is seen.
CREATE FUNCTION khana_private.access_choose_password(p_token text, p_again bytea, p_salt bytea, p_verifier bytea)
RETURNS TABLE (outcome text, token text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    who bigint;
    held record;
BEGIN
    SELECT h.user_id INTO who FROM khana_private.access_held(p_token) h;
    IF who IS NULL OR length(p_salt) <> 16 OR length(p_verifier) <> 32 THEN
        RETURN QUERY SELECT 'REFUSED', ''::text;
        RETURN;
    END IF;
    SELECT s.kind, s.expires_at, c.verifier INTO held
    FROM public.access_session s JOIN public.access_credential c ON c.user_id = s.user_id
    WHERE s.token_hash = sha256(convert_to(p_token, 'UTF8')) FOR UPDATE OF c;
    IF sha256(p_again) = held.verifier THEN
        RETURN QUERY SELECT 'SAME', ''::text;
        RETURN;
    END IF;
    UPDATE public.access_credential SET salt = p_salt, verifier = p_verifier, first_until = NULL, failed_count = 0,
        locked_until = NULL WHERE user_id = who;
    UPDATE public.access_session SET closed_at = now() WHERE user_id = who AND closed_at IS NULL AND kind <> 'JOB';
    PERFORM khana_private.audit_write(who, 'access.password_chosen', 'user:' || who, '{}', now());
    RETURN QUERY SELECT 'OK', khana_private.access_new_session(who, held.kind, held.expires_at - now(), true);
END $$;

-- What the process needs to prove her password and code again.
CREATE FUNCTION khana_private.access_my_factors()
RETURNS TABLE (username text, display_name text, salt bytea, blocks smallint, totp_ciphertext bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT u.username, u.display_name, c.salt, c.blocks, c.totp_ciphertext
    FROM public.access_user u JOIN public.access_credential c ON c.user_id = u.id
    WHERE u.id = khana_private.access_actor()
$$;

-- Outcome OK, REFUSED or LOCKED: password (its derived key) and, where she has one, a code not used before.
CREATE FUNCTION khana_private.access_prove_again(p_derived_key bytea, p_step bigint) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    who bigint := khana_private.access_actor();
    held record;
BEGIN
    SELECT c.verifier, c.totp_ciphertext, c.totp_last_step, c.locked_until INTO held
    FROM public.access_credential c WHERE c.user_id = who FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 'REFUSED';
    END IF;
    IF held.locked_until > now() THEN
        RETURN 'LOCKED';
    END IF;
    IF sha256(p_derived_key) IS DISTINCT FROM held.verifier
       OR (held.totp_ciphertext IS NOT NULL AND (p_step IS NULL OR p_step <= held.totp_last_step)) THEN
        RETURN khana_private.access_count_failure(who);
    END IF;
    UPDATE public.access_credential SET failed_count = 0, locked_until = NULL,
        totp_last_step = greatest(totp_last_step, coalesce(p_step, 0)) WHERE user_id = who;
    RETURN 'OK';
END $$;

CREATE FUNCTION khana_private.access_change_password(
    p_derived_key bytea, p_step bigint, p_salt bytea, p_verifier bytea) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    who bigint := khana_private.access_actor();
    outcome text := khana_private.access_prove_again(p_derived_key, p_step);
BEGIN
    IF outcome <> 'OK' OR length(p_salt) <> 16 OR length(p_verifier) <> 32 THEN
        RETURN outcome;
    END IF;
    UPDATE public.access_credential SET salt = p_salt, verifier = p_verifier, first_until = NULL WHERE user_id = who;
    UPDATE public.access_session SET closed_at = now()
    WHERE user_id = who AND closed_at IS NULL AND kind <> 'JOB'
      AND token_hash <> sha256(convert_to(current_setting('khana.token', true), 'UTF8'));
    PERFORM khana_private.audit_write(who, 'access.password_changed', 'user:' || who, '{}', now());
    RETURN 'OK';
END $$;

-- Her own sessions in use; a session is named by a part of its hash.
CREATE FUNCTION khana_private.access_my_sessions()
RETURNS TABLE (mark text, kind text, opened_at timestamptz, expires_at timestamptz, is_this boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT left(encode(s.token_hash, 'hex'), 12), s.kind, s.opened_at, s.expires_at,
           s.token_hash = sha256(convert_to(current_setting('khana.token', true), 'UTF8'))
    FROM public.access_session s
    WHERE s.user_id = khana_private.access_actor() AND s.closed_at IS NULL AND s.expires_at > now()
      AND s.confirmed_at IS NOT NULL
    ORDER BY 5 DESC, s.opened_at DESC
$$;

-- End one of her sessions, or where none is named all others; her password and code are asked again.
CREATE FUNCTION khana_private.access_end_my_sessions(p_derived_key bytea, p_step bigint, p_mark text)
RETURNS TABLE (outcome text, ended integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    who bigint := khana_private.access_actor();
    said text := khana_private.access_prove_again(p_derived_key, p_step);
    many integer := 0;
BEGIN
    IF said = 'OK' THEN
        UPDATE public.access_session s SET closed_at = now()
        WHERE s.user_id = who AND s.closed_at IS NULL
          AND s.token_hash <> sha256(convert_to(current_setting('khana.token', true), 'UTF8'))
          AND (p_mark = '' OR left(encode(s.token_hash, 'hex'), 12) = p_mark);
        GET DIAGNOSTICS many = ROW_COUNT;
        PERFORM khana_private.audit_write(who, 'access.sessions_ended', 'user:' || who,
                                          jsonb_build_object('sessions', many), now());
    END IF;
    RETURN QUERY SELECT said, many;
END $$;

-- An administrator ends the sessions of one user, or of everybody but herself; jobs that were asked for go on.
CREATE FUNCTION khana_private.access_end_sessions(p_username text, p_at timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor bigint := khana_private.access_actor();
    who bigint;
    many integer;
BEGIN
    PERFORM khana_private.access_require_user_manager();
    IF coalesce(p_username, '') <> '' THEN
        who := khana_private.access_user_id(p_username);
    END IF;
    UPDATE public.access_session s SET closed_at = now()
    WHERE s.closed_at IS NULL AND s.kind <> 'JOB'
      AND CASE WHEN who IS NULL THEN s.user_id IS DISTINCT FROM actor ELSE s.user_id = who END;
    GET DIAGNOSTICS many = ROW_COUNT;
    PERFORM khana_private.audit_write(actor, 'access.sessions_ended', CASE WHEN who IS NULL THEN 'user:all' ELSE 'user:' || who END,
                                      jsonb_build_object('sessions', many), p_at);
    RETURN many;
END $$;

DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT p.oid::regprocedure::text FROM pg_proc p
                WHERE p.pronamespace = 'khana_private'::regnamespace AND p.proname IN (
                    'access_stretch', 'access_new_blocks', 'access_mark_first_password', 'access_hold_first', 'access_held', 'access_choose_password',
                    'access_my_factors', 'access_prove_again', 'access_change_password', 'access_my_sessions',
                    'access_end_my_sessions', 'access_end_sessions')
    LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', name);
        IF name !~ '(prove_again|new_blocks)' THEN
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO khana_web, khana_worker', name);
        END IF;
    END LOOP;
END $$;
