-- What a partner's developer sees of her own partner's calls: when, what, how it ended; no content, no key, no person. She
-- has no right to the tables behind it, whose rows hold requests and answers.
CREATE FUNCTION khana_private.sharing_my_partners() RETURNS SETOF bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF khana_private.access_actor() IS NULL OR NOT khana_private.access_has('partner.follow') THEN
        RAISE EXCEPTION 'not permitted' USING ERRCODE = 'KH403', DETAIL = 'partner.follow';
    END IF;
    RETURN QUERY SELECT d.partner_id FROM public.sharing_developer d JOIN public.sharing_partner p ON p.id = d.partner_id
    WHERE d.user_id = khana_private.access_actor() AND d.ended_at IS NULL AND p.closed_at IS NULL;
END $$;

-- The partner as she may see it, with its agreements in force, its calls of today and its subscriptions.
CREATE FUNCTION khana_private.sharing_my_partner(p_at timestamptz) RETURNS SETOF json
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT json_build_object('partner', p.code, 'name', p.name, 'sender_id', p.sender_id, 'profile', p.profile,
        'signature_optional', p.signature_optional, 'sandbox', p.is_sandbox, 'per_second', p.per_second,
        'daily_calls', p.daily_calls, 'callback_hosts', p.callback_hosts,
        'keys', (SELECT coalesce(json_agg(k ->> 'kid'), '[]'::json) FROM jsonb_array_elements(p.jwks -> 'keys') k),
        'today', (SELECT coalesce(sum(u.calls), 0) FROM public.sharing_usage u
                  WHERE u.partner_user_id = p.user_id AND u.day = p_at::date),
        'agreements', (SELECT coalesce(json_agg(json_build_object('number', a.number, 'level', a.level, 'purpose', a.purpose,
                'fields', a.fields, 'valid_to', a.valid_to) ORDER BY a.id), '[]'::json) FROM public.sharing_agreement a
            WHERE a.partner_id = p.id AND a.state = 'IN_FORCE' AND a.valid_from <= p_at AND a.valid_to > p_at),
        'subscriptions', (SELECT coalesce(json_agg(json_build_object('code', s.code, 'registry', s.registry, 'event', s.event_type,
                'since', s.subscribed_at, 'taken', n.taken, 'waiting', n.waiting, 'given_up', n.given_up,
                'http_status', n.http_status) ORDER BY s.id DESC), '[]'::json)
            FROM (SELECT * FROM public.sharing_subscription s WHERE s.partner_id = p.id AND s.ended_at IS NULL
                  ORDER BY s.id DESC LIMIT 50) s
            CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE o.state = 'TAKEN') AS taken,
                count(*) FILTER (WHERE o.state = 'WAITING') AS waiting, count(*) FILTER (WHERE o.state = 'FAILED') AS given_up,
                (array_agg(o.http_status ORDER BY o.id DESC))[1] AS http_status
                FROM public.sharing_notice o WHERE o.subscription_id = s.id) n))
    FROM public.sharing_partner p WHERE p.id IN (SELECT khana_private.sharing_my_partners()) ORDER BY p.id
$$;

-- Her calls, newest first, and beside them requests that were refused at the door: those are kept in the event log alone.
CREATE FUNCTION khana_private.sharing_my_calls(p_partner text, p_failed boolean, p_before timestamptz, p_limit integer)
RETURNS TABLE (at timestamptz, registry text, action text, transaction text, message text, state text, outcome text,
               records integer, attempts integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT c.* FROM (
        (SELECT m.received_at, m.registry::text, m.action, m.transaction_id, m.message_id, m.state, m.outcome, m.records, m.attempts
         FROM public.sharing_message m JOIN public.sharing_partner p ON p.id = m.partner_id
         WHERE p.code = p_partner AND p.id IN (SELECT khana_private.sharing_my_partners()) AND m.received_at < p_before
           AND (NOT p_failed OR m.outcome <> '' OR m.state = 'FAILED')
         ORDER BY m.received_at DESC LIMIT p_limit)
        UNION ALL
        (SELECT e.at, '', coalesce(e.details ->> 'operation', ''), '', '', 'REFUSED', coalesce(e.details ->> 'code', ''), 0, 0
         FROM public.audit_event e
         WHERE e.subject = (SELECT 'partner:' || p.code FROM public.sharing_partner p
                            WHERE p.code = p_partner AND p.id IN (SELECT khana_private.sharing_my_partners()))
           AND e.action = 'sharing.call_refused' AND e.at < p_before
         ORDER BY e.at DESC LIMIT p_limit)) c
    ORDER BY 1 DESC LIMIT p_limit
$$;
REVOKE ALL ON FUNCTION khana_private.sharing_my_partners(), khana_private.sharing_my_partner(timestamptz),
    khana_private.sharing_my_calls(text, boolean, timestamptz, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION khana_private.sharing_my_partner(timestamptz),
    khana_private.sharing_my_calls(text, boolean, timestamptz, integer) TO khana_web, khana_worker;
