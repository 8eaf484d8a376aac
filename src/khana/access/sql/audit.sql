-- One event, by the actor of the session: nobody hands an actor in. Without a session only the
-- owner and the worker may write, under the name of their role.
CREATE FUNCTION khana_private.audit_write(
    p_actor bigint, p_action text, p_subject text, p_details jsonb, p_at timestamptz)
RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO public.audit_event (at, actor_id, actor_label, action, subject, details)
    VALUES (coalesce(p_at, now()), p_actor,
            coalesce((SELECT u.username FROM public.access_user u WHERE u.id = p_actor), session_user::text),
            p_action, p_subject, coalesce(p_details, '{}'))
    RETURNING id
$$;

CREATE FUNCTION khana_private.audit_record(
    p_action text, p_subject text, p_details jsonb, p_at timestamptz)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor bigint := khana_private.access_actor();
BEGIN
    IF actor IS NULL AND NOT khana_private.access_is_owner() AND session_user <> 'khana_worker' THEN
        RAISE EXCEPTION 'no live session' USING ERRCODE = 'KH403', DETAIL = 'audit.record';
    END IF;
    RETURN khana_private.audit_write(actor, p_action, p_subject, p_details, p_at);
END $$;

-- The text that a seal binds: fixed order, microseconds, sorted keys.
CREATE FUNCTION khana_private.audit_payload(e public.audit_event) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT jsonb_build_array(e.id, (extract(epoch FROM e.at) * 1000000)::bigint, e.actor_id,
                             e.actor_label, e.action, e.subject, e.details)::text
$$;

-- Bind events without a seal into the chain, one sealer at a time. The order of the chain is that
-- of the seals: an event whose transaction was long is sealed later than its number suggests.
CREATE FUNCTION khana_private.audit_seal(p_limit integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    e public.audit_event;
    last bytea;
    next bytea;
    sealed integer := 0;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtext('khana audit seal')) THEN
        RETURN 0;
    END IF;
    SELECT s.hash INTO last FROM public.audit_seal s ORDER BY s.id DESC LIMIT 1;
    last := coalesce(last, decode(repeat('00', 32), 'hex'));
    FOR e IN SELECT v.* FROM public.audit_event v
             WHERE NOT EXISTS (SELECT FROM public.audit_seal s WHERE s.event_id = v.id)
             ORDER BY v.id LIMIT p_limit
    LOOP
        next := sha256(last || convert_to(khana_private.audit_payload(e), 'UTF8'));
        INSERT INTO public.audit_seal (event_id, previous_hash, hash) VALUES (e.id, last, next);
        last := next;
        sealed := sealed + 1;
    END LOOP;
    RETURN sealed;
END $$;
