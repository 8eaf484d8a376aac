-- What programmes and exclusion filters are called, by language: printed in every office, so anybody may ask, a citizen on her own
-- file too, who has no session.
CREATE FUNCTION khana_private.programmes_names() RETURNS TABLE (kind text, code text, name text, names json)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT 'PROGRAMME', p.code, p.name, p.names::json FROM public.programmes_programme p
    UNION ALL
    SELECT 'FILTER', f.code, f.name, f.names::json FROM public.programmes_exclusionfilter f
$$;
REVOKE ALL ON FUNCTION khana_private.programmes_names() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION khana_private.programmes_names() TO khana_web, khana_worker;
