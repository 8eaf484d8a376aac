-- Erasure by rule. The log names ids alone and is not touched: its chain holds as before. What a legal hold names stays.
CREATE OR REPLACE FUNCTION khana_private.retention_is_held(p_rule text, p_subject text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (SELECT FROM public.access_legalhold h
        WHERE h.ended_at IS NULL AND h.rule IN ('*', p_rule)
          AND (h.subject = '' OR h.subject = p_subject
               OR (h.subject LIKE 'area:%' AND p_subject LIKE h.subject || '%')))
$$;

-- one step: at most so many rows; returns how many were erased
CREATE OR REPLACE FUNCTION khana_private.retention_run(p_rule text, p_before timestamptz, p_limit integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    done integer;
BEGIN
    PERFORM khana_private.access_worker_or('retention.run');
    IF p_before > now() THEN
        RAISE EXCEPTION 'not over yet' USING ERRCODE = 'KH409', DETAIL = 'retention';
    END IF;
    IF p_rule = 'MESSAGES' THEN
        UPDATE public.sharing_message m SET request_ciphertext = NULL, answer_ciphertext = NULL WHERE m.id IN (
            SELECT o.id FROM public.sharing_message o WHERE o.received_at < p_before
              AND (o.request_ciphertext IS NOT NULL OR o.answer_ciphertext IS NOT NULL)
              AND NOT khana_private.retention_is_held(p_rule, 'partner:' || o.partner_id) LIMIT p_limit);
        GET DIAGNOSTICS done = ROW_COUNT;
    ELSIF p_rule = 'QUARANTINE' THEN
        DELETE FROM public.deliveries_quarantinedrow q WHERE q.id IN (
            SELECT o.id FROM public.deliveries_quarantinedrow o WHERE o.state IN ('REPLAYED', 'DISCARDED')
              AND o.changed_at < p_before AND NOT khana_private.retention_is_held(p_rule, 'batch:' || o.batch_id)
            LIMIT p_limit);
        GET DIAGNOSTICS done = ROW_COUNT;
    ELSIF p_rule = 'RESIDENTS' THEN
        DELETE FROM public.registry_resident r WHERE r.id IN (
            SELECT o.id FROM public.registry_resident o WHERE o.superseded_at < p_before
              AND NOT khana_private.retention_is_held(p_rule, 'area:' || o.area_path) LIMIT p_limit);
        GET DIAGNOSTICS done = ROW_COUNT;
    ELSIF p_rule = 'PERSONS' THEN
        done := khana_private.erasure_by_rule(p_before, p_limit);
    ELSE
        RAISE EXCEPTION 'no such rule' USING ERRCODE = 'KH404', DETAIL = 'rule';
    END IF;
    IF done > 0 THEN
        PERFORM khana_private.audit_write(khana_private.access_actor(), 'access.retention.erased', 'rule:' || p_rule,
            jsonb_build_object('rows', done, 'before', p_before), now());
    END IF;
    RETURN done;
END $$;

REVOKE ALL ON FUNCTION khana_private.retention_is_held(text, text),
    khana_private.retention_run(text, timestamptz, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION khana_private.retention_run(text, timestamptz, integer) TO khana_web, khana_worker;
