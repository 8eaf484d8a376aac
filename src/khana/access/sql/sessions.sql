-- Opening and closing sessions. The caller proves a password by its derived key (scrypt, in the
-- process); the table keeps SHA-256 of that key. Of a token only SHA-256 is kept.
CREATE TABLE khana_private.access_pepper (value bytea NOT NULL);
INSERT INTO khana_private.access_pepper
VALUES (sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')));

-- a stable salt for a name that does not exist, so that nobody learns which names do
CREATE FUNCTION khana_private.access_salt(p_username text) RETURNS bytea
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(
        (SELECT c.salt FROM public.access_user u JOIN public.access_credential c ON c.user_id = u.id
         WHERE u.username = lower(p_username)),
        (SELECT substring(sha256(p.value || convert_to(lower(p_username), 'UTF8')) FROM 1 FOR 16)
         FROM khana_private.access_pepper p))
$$;

CREATE FUNCTION khana_private.access_new_session(
    p_user bigint, p_kind text, p_ttl interval, p_confirmed boolean)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    token text := replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '');
    longest interval := CASE p_kind WHEN 'WEB' THEN interval '12 hours' WHEN 'JOB' THEN interval '7 days'
                                    ELSE interval '90 days' END;
BEGIN
    INSERT INTO public.access_session (token_hash, user_id, kind, opened_at, expires_at, confirmed_at)
    VALUES (sha256(convert_to(token, 'UTF8')), p_user, p_kind, now(), now() + least(p_ttl, longest),
            CASE WHEN p_confirmed THEN now() END);
    RETURN token;
END $$;

-- Outcome OK, SECOND_FACTOR, REFUSED or LOCKED. Does not raise: a failure must be counted, and an
-- exception would roll the count back. Five failures lock the name for fifteen minutes.
CREATE FUNCTION khana_private.access_open_session(
    p_username text, p_derived_key bytea, p_kind text, p_ttl interval)
RETURNS TABLE (outcome text, token text, totp_ciphertext bytea)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    found record;
BEGIN
    IF p_kind NOT IN ('WEB', 'TOKEN') THEN
        RAISE EXCEPTION 'no such kind of session' USING ERRCODE = 'KH403', DETAIL = p_kind;
    END IF;
    SELECT u.id, c.verifier, c.totp_ciphertext AS totp, c.locked_until INTO found
    FROM public.access_user u JOIN public.access_credential c ON c.user_id = u.id
    WHERE u.username = lower(p_username) AND u.is_active FOR UPDATE OF c;
    IF found.id IS NULL THEN
        PERFORM khana_private.audit_write(NULL, 'access.sign_in.refused', 'user:unknown', '{}', now());
        RETURN QUERY SELECT 'REFUSED', NULL::text, NULL::bytea;
        RETURN;
    END IF;
    IF found.locked_until > now() THEN
        RETURN QUERY SELECT 'LOCKED', NULL::text, NULL::bytea;
        RETURN;
    END IF;
    IF sha256(p_derived_key) IS DISTINCT FROM found.verifier THEN
        RETURN QUERY SELECT khana_private.access_count_failure(found.id), NULL::text, NULL::bytea;
        RETURN;
    END IF;
    IF found.totp IS NULL THEN
        UPDATE public.access_credential SET failed_count = 0, locked_until = NULL WHERE user_id = found.id;
        PERFORM khana_private.audit_write(found.id, 'access.sign_in', 'user:' || found.id, '{}', now());
    END IF;
    RETURN QUERY SELECT CASE WHEN found.totp IS NULL THEN 'OK' ELSE 'SECOND_FACTOR' END,
        khana_private.access_new_session(found.id, p_kind, p_ttl, found.totp IS NULL), found.totp;
END $$;

CREATE FUNCTION khana_private.access_count_failure(p_user bigint) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    failures integer;
BEGIN
    UPDATE public.access_credential SET failed_count = failed_count + 1 WHERE user_id = p_user
    RETURNING failed_count INTO failures;
    PERFORM khana_private.audit_write(NULL, 'access.sign_in.refused', 'user:' || p_user,
                                      jsonb_build_object('failures', failures), now());
    IF failures < 5 THEN
        RETURN 'REFUSED';
    END IF;
    UPDATE public.access_credential SET failed_count = 0, locked_until = now() + interval '15 minutes'
    WHERE user_id = p_user;
    UPDATE public.access_session SET closed_at = now()
    WHERE user_id = p_user AND confirmed_at IS NULL AND closed_at IS NULL;
    PERFORM khana_private.audit_write(NULL, 'access.locked', 'user:' || p_user, '{}', now());
    RETURN 'LOCKED';
END $$;

-- the half-open session behind a token: ten minutes to show the second factor
CREATE FUNCTION khana_private.access_pending(p_token text)
RETURNS TABLE (user_id bigint, totp_ciphertext bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT s.user_id, c.totp_ciphertext
    FROM public.access_session s JOIN public.access_user u ON u.id = s.user_id
    JOIN public.access_credential c ON c.user_id = u.id
    WHERE s.token_hash = sha256(convert_to(p_token, 'UTF8')) AND u.is_active
      AND s.confirmed_at IS NULL AND s.closed_at IS NULL
      AND least(s.expires_at, s.opened_at + interval '10 minutes') > now()
      AND (c.locked_until IS NULL OR c.locked_until <= now())
$$;

-- Outcome OK, REFUSED or LOCKED. A step is used once; no step at all is a wrong code and counts.
CREATE FUNCTION khana_private.access_confirm_second_factor(p_token text, p_step bigint) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    who bigint;
    used bigint;
BEGIN
    SELECT p.user_id INTO who FROM khana_private.access_pending(p_token) p;
    IF who IS NULL THEN
        RETURN 'REFUSED';
    END IF;
    SELECT c.totp_last_step INTO used FROM public.access_credential c WHERE c.user_id = who FOR UPDATE;
    IF p_step IS NULL OR p_step <= used THEN
        RETURN khana_private.access_count_failure(who);
    END IF;
    UPDATE public.access_credential SET totp_last_step = p_step, failed_count = 0, locked_until = NULL
    WHERE user_id = who;
    UPDATE public.access_session SET confirmed_at = now()
    WHERE token_hash = sha256(convert_to(p_token, 'UTF8'));
    PERFORM khana_private.audit_write(who, 'access.sign_in', 'user:' || who, '{}', now());
    RETURN 'OK';
END $$;

CREATE FUNCTION khana_private.access_close_session(p_token text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    who bigint;
BEGIN
    UPDATE public.access_session SET closed_at = now()
    WHERE token_hash = sha256(convert_to(p_token, 'UTF8')) AND closed_at IS NULL RETURNING user_id INTO who;
    IF who IS NOT NULL THEN
        PERFORM khana_private.audit_write(who, 'access.sign_out', 'user:' || who, '{}', now());
    END IF;
    RETURN who IS NOT NULL;
END $$;

-- a token of one's own, for commands and programmes
CREATE FUNCTION khana_private.access_make_token(p_ttl interval) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor bigint := khana_private.access_actor();
BEGIN
    IF actor IS NULL THEN
        RAISE EXCEPTION 'no live session' USING ERRCODE = 'KH403', DETAIL = 'session';
    END IF;
    PERFORM khana_private.audit_write(actor, 'access.token_made', 'user:' || actor, '{}', now());
    RETURN khana_private.access_new_session(actor, 'TOKEN', p_ttl, true);
END $$;

-- The worker acts as the user who asked for a job, for as long as that job is to be done.
CREATE FUNCTION khana_private.access_adopt_job(p_job uuid) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    who bigint;
BEGIN
    SELECT j.actor_id INTO who FROM public.platform_jobrun j JOIN public.access_user u ON u.id = j.actor_id
    WHERE j.uuid = p_job AND j.state IN ('QUEUED', 'RUNNING') AND u.is_active
      AND j.queued_at > now() - interval '7 days';
    IF who IS NULL THEN
        RAISE EXCEPTION 'no such job to be done' USING ERRCODE = 'KH404', DETAIL = 'job';
    END IF;
    PERFORM khana_private.audit_write(who, 'access.job_adopted', 'job:' || p_job, '{}', now());
    RETURN khana_private.access_new_session(who, 'JOB', interval '7 days', true);
END $$;
