-- Statistics of the tables that the open transaction has changed by more than a tenth and 2,000 rows.
CREATE FUNCTION khana_private.platform_freshen() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name text;
    done integer := 0;
BEGIN
    FOR name IN
        SELECT t.relname FROM pg_stat_xact_user_tables t JOIN pg_class c ON c.oid = t.relid
        WHERE t.schemaname = 'public' AND pg_has_role(c.relowner, 'USAGE')
          AND t.n_tup_ins + t.n_tup_upd + t.n_tup_del > greatest(2000, 0.1 * c.reltuples)
        ORDER BY t.relname
    LOOP
        EXECUTE format('ANALYZE public.%I', name);
        done := done + 1;
    END LOOP;
    RETURN done;
END $$;
REVOKE ALL ON FUNCTION khana_private.platform_freshen() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION khana_private.platform_freshen() TO khana_web, khana_worker;
