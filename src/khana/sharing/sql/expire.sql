-- Extracts that have outlived their days: a few at a time. The caller removes the files before it commits, so that none is said to be gone
-- while it stands. The worker does it by itself, or an officer who drafts agreements.
CREATE FUNCTION khana_private.sharing_expire_extracts(p_at timestamptz, p_limit integer) RETURNS TABLE (number text, sha256 text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    one record;
BEGIN
    PERFORM khana_private.access_worker_or('agreements.draft');
    FOR one IN
        SELECT e.id, e.number, e.sha256 FROM public.sharing_extract e
        WHERE e.state = 'DELIVERED' AND e.expires_at <= least(p_at, now()) ORDER BY e.id LIMIT p_limit FOR UPDATE SKIP LOCKED
    LOOP
        UPDATE public.sharing_extract e SET state = 'EXPIRED' WHERE e.id = one.id;
        PERFORM khana_private.audit_write(khana_private.access_actor(), 'sharing.extract_expired', 'extract:' || one.number,
            jsonb_build_object('sha256', one.sha256), now());
        number := one.number;
        sha256 := one.sha256;
        RETURN NEXT;
    END LOOP;
END $$;
REVOKE ALL ON FUNCTION khana_private.sharing_expire_extracts(timestamptz, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION khana_private.sharing_expire_extracts(timestamptz, integer) TO khana_web, khana_worker;
