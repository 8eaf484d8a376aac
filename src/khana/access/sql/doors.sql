-- Two more doors beside name and password: a passkey (WebAuthn level 3, section 7.2) and the government's OpenID Connect
-- provider (OpenID Connect Core 1.0, section 3.1.3.7). Decision 0034: as with the password (0004), the proof is checked here and
-- not only in the process, so that the web role can open a session for nobody whose device or provider did not sign.

-- a riddle of our own: given out once, good for ten minutes, gone when it is used
CREATE FUNCTION khana_private.access_new_riddle(p_kind text, p_user bigint) RETURNS bytea
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    made bytea := sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8'));
BEGIN
    DELETE FROM public.access_riddle WHERE made_at < now() - interval '10 minutes';
    INSERT INTO public.access_riddle (mark, kind, user_id, made_at) VALUES (sha256(made), p_kind, p_user, now());
    RETURN made;
END $$;

CREATE FUNCTION khana_private.access_take_riddle(p_riddle bytea, p_kind text, p_user bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM public.access_riddle
    WHERE mark = sha256(p_riddle) AND kind = p_kind AND user_id IS NOT DISTINCT FROM p_user
      AND made_at > now() - interval '10 minutes';
    RETURN FOUND;
END $$;

CREATE FUNCTION khana_private.access_passkey_riddle() RETURNS bytea
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT khana_private.access_new_riddle('PASSKEY', NULL)
$$;

CREATE FUNCTION khana_private.access_base64url(p_bytes bytea) RETURNS text
LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
    SELECT rtrim(translate(encode(p_bytes, 'base64'), '+/' || chr(10), '-_'), '=')
$$;

CREATE FUNCTION khana_private.access_from_base64url(p_text text) RETURNS bytea
LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
    SELECT decode(translate(p_text, '-_', '+/') || repeat('=', (4 - length(p_text) % 4) % 4), 'base64')
$$;

-- a session on a page, opened not long ago: what a new way in may be added from
CREATE FUNCTION khana_private.access_fresh_actor() RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    who bigint;
BEGIN
    SELECT s.user_id INTO who FROM public.access_session s JOIN public.access_user u ON u.id = s.user_id
    WHERE s.token_hash = sha256(convert_to(nullif(current_setting('khana.token', true), ''), 'UTF8'))
      AND u.is_active AND u.kind = 'STAFF' AND s.kind = 'WEB' AND s.confirmed_at > now() - interval '15 minutes'
      AND s.closed_at IS NULL AND s.expires_at > now();
    IF who IS NULL THEN
        RAISE EXCEPTION 'sign in again first' USING ERRCODE = 'KH409', DETAIL = 'fresh';
    END IF;
    RETURN who;
END $$;

CREATE FUNCTION khana_private.access_passkey_new_riddle() RETURNS bytea
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT khana_private.access_new_riddle('PASSKEY_NEW', khana_private.access_fresh_actor())
$$;

CREATE FUNCTION khana_private.access_passkey_add(
    p_riddle bytea, p_credential bytea, p_algorithm text, p_public_key bytea, p_count bigint, p_domain text, p_name text,
    p_at timestamptz)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    who bigint := khana_private.access_fresh_actor();
    made bigint;
BEGIN
    IF NOT khana_private.access_take_riddle(p_riddle, 'PASSKEY_NEW', who) OR p_algorithm NOT IN ('ES256', 'RS256')
       OR length(p_credential) NOT BETWEEN 16 AND 1023 THEN
        RAISE EXCEPTION 'not what was asked for' USING ERRCODE = 'KH409', DETAIL = 'passkey';
    END IF;
    PERFORM 1 FROM public.access_user u WHERE u.id = who FOR UPDATE;
    IF (SELECT count(*) FROM public.access_passkey k WHERE k.user_id = who AND k.removed_at IS NULL) >= 10 THEN
        RAISE EXCEPTION 'ten are enough' USING ERRCODE = 'KH409', DETAIL = 'passkeys';
    END IF;
    INSERT INTO public.access_passkey (user_id, credential, algorithm, public_key, use_count, domain, name, made_at)
    VALUES (who, p_credential, p_algorithm, p_public_key, p_count, p_domain, p_name, p_at)
    ON CONFLICT (credential) DO NOTHING RETURNING id INTO made;
    IF made IS NULL THEN
        RAISE EXCEPTION 'it is known already' USING ERRCODE = 'KH409', DETAIL = 'passkey';
    END IF;
    PERFORM khana_private.audit_write(who, 'access.passkey_added', 'user:' || who, jsonb_build_object('passkey', made), p_at);
    RETURN made;
END $$;

-- the public half of a passkey in use, so that the process can check too
CREATE FUNCTION khana_private.access_passkey_find(p_credential bytea)
RETURNS TABLE (algorithm text, public_key bytea, domain text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT k.algorithm, k.public_key, k.domain FROM public.access_passkey k
    WHERE k.credential = p_credential AND k.removed_at IS NULL
$$;

-- Outcome OK or REFUSED. Does not raise: what was refused is written down, and the riddle stays used.
CREATE FUNCTION khana_private.access_open_by_passkey(
    p_credential bytea, p_client_data bytea, p_device_data bytea, p_signature bytea, p_ttl interval)
RETURNS TABLE (outcome text, token text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    held record;
    said jsonb;
    riddle bytea;
    flags integer;
    uses bigint;
BEGIN
    SELECT k.id, k.user_id, k.algorithm, k.public_key, k.use_count, k.domain INTO held
    FROM public.access_passkey k JOIN public.access_user u ON u.id = k.user_id
    WHERE k.credential = p_credential AND k.removed_at IS NULL AND u.is_active AND u.kind = 'STAFF'
      AND NOT khana_private.access_is_idle(u.id) FOR UPDATE OF k;
    BEGIN
        said := convert_from(p_client_data, 'UTF8')::jsonb;
        riddle := khana_private.access_from_base64url(said->>'challenge');
    EXCEPTION WHEN data_exception THEN
        riddle := NULL;
    END;
    -- user present and verified (bits 0 and 2 of the flags), for the domain that the passkey was made for
    IF length(p_device_data) >= 37 THEN
        flags := get_byte(p_device_data, 32);
        uses := khana_private.number_of(substring(p_device_data FROM 34 FOR 4))::bigint;
    END IF;
    IF riddle IS NULL OR NOT khana_private.access_take_riddle(riddle, 'PASSKEY', NULL) OR held.id IS NULL OR flags IS NULL
       OR said->>'type' IS DISTINCT FROM 'webauthn.get' OR flags & 5 <> 5
       OR substring(p_device_data FROM 1 FOR 32) <> sha256(convert_to(held.domain, 'UTF8'))
       OR NOT khana_private.signature_is_good(held.algorithm, held.public_key, p_signature, p_device_data || sha256(p_client_data)) THEN
        PERFORM khana_private.audit_write(NULL, 'access.sign_in.refused', coalesce('user:' || held.user_id, 'user:unknown'),
                                          '{"by": "passkey"}', now());
        RETURN QUERY SELECT 'REFUSED', NULL::text;
        RETURN;
    END IF;
    -- a count that does not grow says that there are two of a device that should be one
    IF (uses > 0 OR held.use_count > 0) AND uses <= held.use_count THEN
        PERFORM khana_private.audit_write(NULL, 'access.sign_in.refused', 'user:' || held.user_id,
                                          '{"by": "passkey", "count": "behind"}', now());
        PERFORM khana_private.access_raise_alarm('PASSKEY_TWICE', held.user_id, jsonb_build_object('passkey', held.id),
                                                 'passkey:' || held.id || ':' || held.use_count, 24);
        RETURN QUERY SELECT 'REFUSED', NULL::text;
        RETURN;
    END IF;
    UPDATE public.access_passkey SET use_count = uses, used_at = now() WHERE id = held.id;
    PERFORM khana_private.audit_write(held.user_id, 'access.sign_in', 'user:' || held.user_id,
                                      jsonb_build_object('by', 'passkey', 'passkey', held.id), now());
    RETURN QUERY SELECT 'OK', khana_private.access_new_session(held.user_id, 'WEB', p_ttl, true);
END $$;

-- one's own where no name is given
CREATE FUNCTION khana_private.access_passkeys(p_username text)
RETURNS TABLE (id bigint, name text, domain text, made_at timestamptz, used_at timestamptz, credential bytea)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    who bigint := khana_private.access_actor();
BEGIN
    IF coalesce(p_username, '') <> '' THEN
        IF NOT khana_private.access_is_owner() AND NOT khana_private.access_everything('users.read') THEN
            RAISE EXCEPTION 'not permitted' USING ERRCODE = 'KH403', DETAIL = 'users.read';
        END IF;
        who := khana_private.access_user_id(p_username);
    END IF;
    RETURN QUERY SELECT k.id, k.name, k.domain, k.made_at, k.used_at, k.credential FROM public.access_passkey k
    WHERE k.user_id = who AND k.removed_at IS NULL ORDER BY k.id;
END $$;

-- by her whose it is, or by who keeps users
CREATE FUNCTION khana_private.access_passkey_remove(p_passkey bigint, p_at timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor bigint := khana_private.access_actor();
    who bigint;
BEGIN
    SELECT k.user_id INTO who FROM public.access_passkey k WHERE k.id = p_passkey AND k.removed_at IS NULL FOR UPDATE;
    IF who IS DISTINCT FROM actor OR actor IS NULL THEN
        PERFORM khana_private.access_require_user_manager();
    END IF;
    IF who IS NULL THEN
        RAISE EXCEPTION 'no such passkey' USING ERRCODE = 'KH404', DETAIL = 'passkey';
    END IF;
    UPDATE public.access_passkey SET removed_at = p_at, removed_by = actor WHERE id = p_passkey;
    PERFORM khana_private.audit_write(actor, 'access.passkey_removed', 'user:' || who,
                                      jsonb_build_object('passkey', p_passkey), p_at);
END $$;

-- As before; new secrets are given where a device is lost or in other hands, so passkeys end with the old ones.
CREATE OR REPLACE FUNCTION khana_private.access_reset_password(
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
    UPDATE public.access_passkey SET removed_at = p_at, removed_by = khana_private.access_actor()
    WHERE user_id = who AND removed_at IS NULL;
    PERFORM khana_private.audit_write(khana_private.access_actor(), 'access.password_reset', 'user:' || who,
                                      '{}', p_at);
END $$;

-- --- the government's provider -------------------------------------------------------------------------------------------------

CREATE FUNCTION khana_private.access_provider_set(
    p_issuer text, p_client text, p_title text, p_secret_ciphertext bytea, p_authorise text, p_exchange text, p_keys_at text,
    p_keys jsonb, p_demand text, p_at timestamptz)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM khana_private.access_require_user_manager();
    UPDATE public.access_provider SET ended_at = p_at WHERE ended_at IS NULL;
    INSERT INTO public.access_provider (issuer, client, title, secret_ciphertext, authorise_url, exchange_url, keys_url, keys,
                                        keys_at, demanded_class, set_at)
    VALUES (p_issuer, p_client, p_title, p_secret_ciphertext, p_authorise, p_exchange, p_keys_at, p_keys, now(),
            coalesce(p_demand, ''), p_at);
    PERFORM khana_private.audit_write(khana_private.access_actor(), 'access.provider_set', 'provider',
                                      jsonb_build_object('issuer', p_issuer, 'client', p_client), p_at);
END $$;

CREATE FUNCTION khana_private.access_provider_end(p_at timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM khana_private.access_require_user_manager();
    UPDATE public.access_provider SET ended_at = p_at WHERE ended_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no provider' USING ERRCODE = 'KH404', DETAIL = 'provider';
    END IF;
    PERFORM khana_private.audit_write(khana_private.access_actor(), 'access.provider_ended', 'provider', '{}', p_at);
END $$;

-- The keys of the provider as the worker (or who keeps users) fetched them from its own address; the web role cannot put any.
CREATE FUNCTION khana_private.access_provider_keys(p_issuer text, p_keys jsonb) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF session_user <> 'khana_worker' THEN
        PERFORM khana_private.access_require_user_manager();
    END IF;
    UPDATE public.access_provider SET keys = p_keys, keys_at = now() WHERE issuer = p_issuer AND ended_at IS NULL;
    RETURN FOUND;
END $$;

CREATE FUNCTION khana_private.access_provider_now()
RETURNS TABLE (issuer text, client text, title text, secret_ciphertext bytea, authorise_url text, exchange_url text,
               keys_url text, keys jsonb, keys_at timestamptz, demanded_class text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT p.issuer, p.client, p.title, p.secret_ciphertext, p.authorise_url, p.exchange_url, p.keys_url, p.keys, p.keys_at,
           p.demanded_class
    FROM public.access_provider p WHERE p.ended_at IS NULL
$$;

CREATE FUNCTION khana_private.access_provider_riddle() RETURNS bytea
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT khana_private.access_new_riddle('PROVIDER', NULL)
$$;

CREATE FUNCTION khana_private.access_link(p_username text, p_subject text, p_at timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor bigint := khana_private.access_actor();
    who bigint;
    issued text;
    made bigint;
BEGIN
    PERFORM khana_private.access_require_user_manager();
    who := khana_private.access_user_id(p_username);
    IF who = actor THEN
        RAISE EXCEPTION 'nobody links herself' USING ERRCODE = 'KH403', DETAIL = 'users.manage';
    END IF;
    SELECT p.issuer INTO issued FROM public.access_provider p WHERE p.ended_at IS NULL;
    IF issued IS NULL THEN
        RAISE EXCEPTION 'no provider' USING ERRCODE = 'KH404', DETAIL = 'provider';
    END IF;
    IF (SELECT u.kind FROM public.access_user u WHERE u.id = who) <> 'STAFF' THEN
        RAISE EXCEPTION 'a machine does not sign in' USING ERRCODE = 'KH409', DETAIL = 'machine';
    END IF;
    UPDATE public.access_link SET ended_at = p_at WHERE user_id = who AND issuer = issued AND ended_at IS NULL;
    INSERT INTO public.access_link (user_id, issuer, subject, made_at, made_by) VALUES (who, issued, p_subject, p_at, actor)
    ON CONFLICT (issuer, subject) WHERE ended_at IS NULL DO NOTHING RETURNING id INTO made;
    IF made IS NULL THEN
        RAISE EXCEPTION 'linked to another user' USING ERRCODE = 'KH409', DETAIL = 'linked';
    END IF;
    PERFORM khana_private.audit_write(actor, 'access.linked', 'user:' || who, jsonb_build_object('link', made), p_at);
    RETURN made;
END $$;

CREATE FUNCTION khana_private.access_unlink(p_username text, p_at timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    who bigint;
BEGIN
    PERFORM khana_private.access_require_user_manager();
    who := khana_private.access_user_id(p_username);
    UPDATE public.access_link SET ended_at = p_at WHERE user_id = who AND ended_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such link' USING ERRCODE = 'KH404', DETAIL = 'link';
    END IF;
    PERFORM khana_private.audit_write(khana_private.access_actor(), 'access.unlinked', 'user:' || who, '{}', p_at);
END $$;

CREATE FUNCTION khana_private.access_links(p_username text)
RETURNS TABLE (issuer text, subject text, made_at timestamptz, used_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    IF NOT khana_private.access_is_owner() AND NOT khana_private.access_everything('users.read') THEN
        RAISE EXCEPTION 'not permitted' USING ERRCODE = 'KH403', DETAIL = 'users.read';
    END IF;
    RETURN QUERY SELECT l.issuer, l.subject, l.made_at, l.used_at FROM public.access_link l
    WHERE l.user_id = khana_private.access_user_id(p_username) AND l.ended_at IS NULL;
END $$;

-- Outcome OK, UNLINKED or REFUSED with the reason for the log alone. The key decides the algorithm, never the token.
CREATE FUNCTION khana_private.access_open_by_provider(p_signed text, p_signature bytea, p_nonce bytea, p_ttl interval)
RETURNS TABLE (outcome text, token text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    held record;
    head jsonb;
    said jsonb;
    key jsonb;
    algorithm text;
    public_key bytea;
    who bigint;
    link bigint;
    wrong text;
BEGIN
    SELECT p.issuer, p.client, p.keys, p.demanded_class INTO held FROM public.access_provider p WHERE p.ended_at IS NULL;
    BEGIN
        head := convert_from(khana_private.access_from_base64url(split_part(p_signed, '.', 1)), 'UTF8')::jsonb;
        said := convert_from(khana_private.access_from_base64url(split_part(p_signed, '.', 2)), 'UTF8')::jsonb;
        SELECT k INTO key FROM jsonb_array_elements(held.keys->'keys') k
        WHERE k->>'kid' IS NOT DISTINCT FROM head->>'kid' AND coalesce(k->>'use', 'sig') = 'sig'
          AND (k->>'kty' = 'RSA' OR (k->>'kty' = 'EC' AND k->>'crv' = 'P-256')) LIMIT 1;
        IF key->>'kty' = 'RSA' AND key->>'e' = 'AQAB' THEN
            algorithm := 'RS256';
            public_key := khana_private.access_from_base64url(key->>'n');
        ELSIF key->>'kty' = 'EC' THEN
            algorithm := 'ES256';
            public_key := khana_private.access_from_base64url(key->>'x') || khana_private.access_from_base64url(key->>'y');
        END IF;
        wrong := CASE
            WHEN NOT khana_private.access_take_riddle(p_nonce, 'PROVIDER', NULL) THEN 'riddle'
            WHEN algorithm IS NULL THEN 'key'
            WHEN head->>'alg' IS DISTINCT FROM algorithm OR head ? 'crit' THEN 'algorithm'
            WHEN NOT khana_private.signature_is_good(algorithm, public_key, p_signature, convert_to(p_signed, 'UTF8')) THEN 'signature'
            WHEN said->>'iss' IS DISTINCT FROM held.issuer THEN 'issuer'
            WHEN (said->'aud' = to_jsonb(held.client) OR (jsonb_typeof(said->'aud') = 'array' AND said->'aud' ? held.client)) IS NOT TRUE THEN 'audience'
            WHEN jsonb_typeof(said->'aud') = 'array' AND jsonb_array_length(said->'aud') > 1 AND said->>'azp' IS NULL THEN 'party'
            WHEN said ? 'azp' AND said->>'azp' IS DISTINCT FROM held.client THEN 'party'
            WHEN jsonb_typeof(said->'exp') IS DISTINCT FROM 'number'
              OR (said->>'exp')::numeric < extract(epoch FROM now()) - 60 THEN 'expired'
            WHEN jsonb_typeof(said->'iat') IS DISTINCT FROM 'number'
              OR abs((said->>'iat')::numeric - extract(epoch FROM now())) > 660 THEN 'issued'
            WHEN said->>'nonce' IS DISTINCT FROM khana_private.access_base64url(p_nonce) THEN 'nonce'
            WHEN held.demanded_class <> '' AND said->>'acr' IS DISTINCT FROM held.demanded_class THEN 'class'
            WHEN coalesce(said->>'sub', '') = '' THEN 'subject' END;
    EXCEPTION WHEN data_exception OR invalid_text_representation THEN
        wrong := 'form';
    END;
    IF held.issuer IS NULL THEN
        wrong := 'provider';
    END IF;
    IF wrong IS NULL THEN
        SELECT l.id, u.id INTO link, who FROM public.access_link l JOIN public.access_user u ON u.id = l.user_id
        WHERE l.issuer = held.issuer AND l.subject = said->>'sub' AND l.ended_at IS NULL AND u.is_active AND u.kind = 'STAFF'
          AND NOT khana_private.access_is_idle(u.id);
        IF who IS NULL THEN
            wrong := 'unlinked';
        END IF;
    END IF;
    IF wrong IS NOT NULL THEN
        PERFORM khana_private.audit_write(NULL, 'access.sign_in.refused', 'user:unknown',
                                          jsonb_build_object('by', 'provider', 'wrong', wrong), now());
        RETURN QUERY SELECT CASE wrong WHEN 'unlinked' THEN 'UNLINKED' ELSE 'REFUSED' END, NULL::text;
        RETURN;
    END IF;
    UPDATE public.access_link SET used_at = now() WHERE id = link;
    PERFORM khana_private.audit_write(who, 'access.sign_in', 'user:' || who,
                                      jsonb_build_object('by', 'provider', 'link', link), now());
    RETURN QUERY SELECT 'OK', khana_private.access_new_session(who, 'WEB', p_ttl, true);
END $$;

DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT p.oid::regprocedure::text FROM pg_proc p
                WHERE p.pronamespace = 'khana_private'::regnamespace AND p.proname IN (
                    'access_new_riddle', 'access_take_riddle', 'access_passkey_riddle', 'access_base64url', 'access_from_base64url',
                    'access_fresh_actor', 'access_passkey_new_riddle', 'access_passkey_add', 'access_passkey_find',
                    'access_open_by_passkey', 'access_passkeys', 'access_passkey_remove', 'access_provider_set',
                    'access_provider_end', 'access_provider_keys', 'access_provider_now', 'access_provider_riddle', 'access_link',
                    'access_unlink', 'access_links', 'access_open_by_provider')
    LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', name);
        IF name !~ '(new_riddle\(text|take_riddle|base64url|fresh_actor)' THEN
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO khana_worker', name);
        END IF;
        -- whose word opens sessions is never said on a page: the web process could not set a provider under anybody's session
        IF name !~ '(new_riddle\(text|take_riddle|base64url|fresh_actor|provider_set|provider_keys|provider_end)' THEN
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO khana_web', name);
        END IF;
    END LOOP;
END $$;
