-- The worker speaks to a partner in the partner's own scope: a token for an hour, for the worker itself or for an officer
-- who manages partners. Only the worker's role may ask.
CREATE FUNCTION khana_private.sharing_adopt_partner(p_partner text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    asker bigint := khana_private.access_actor();
    who bigint;
BEGIN
    IF asker IS NOT NULL AND NOT khana_private.access_everything('partners.manage') THEN
        RAISE EXCEPTION 'not permitted' USING ERRCODE = 'KH403', DETAIL = 'partners.manage';
    END IF;
    SELECT p.user_id INTO who FROM public.sharing_partner p JOIN public.access_user u ON u.id = p.user_id
    WHERE p.code = p_partner AND p.closed_at IS NULL AND u.is_active;
    IF who IS NULL THEN
        RAISE EXCEPTION 'no such partner' USING ERRCODE = 'KH404', DETAIL = 'partner';
    END IF;
    PERFORM khana_private.audit_write(coalesce(asker, who), 'sharing.partner_adopted', 'partner:' || p_partner, '{}', now());
    RETURN khana_private.access_new_session(who, 'JOB', interval '1 hour', true);
END $$;

-- Which subscriptions are open, and whose: codes only.
CREATE FUNCTION khana_private.sharing_open_subscriptions(p_partner text) RETURNS TABLE (code text, partner text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    IF khana_private.access_actor() IS NOT NULL AND NOT khana_private.access_everything('partners.manage') THEN
        RAISE EXCEPTION 'not permitted' USING ERRCODE = 'KH403', DETAIL = 'partners.manage';
    END IF;
    RETURN QUERY SELECT s.code, p.code FROM public.sharing_subscription s JOIN public.sharing_partner p ON p.id = s.partner_id
    WHERE s.ended_at IS NULL AND p.closed_at IS NULL AND NOT p.is_sandbox AND (p_partner = '' OR p.code = p_partner)
    ORDER BY s.id;
END $$;
REVOKE ALL ON FUNCTION khana_private.sharing_adopt_partner(text), khana_private.sharing_open_subscriptions(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION khana_private.sharing_adopt_partner(text), khana_private.sharing_open_subscriptions(text) TO khana_worker;
