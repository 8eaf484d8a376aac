-- After an upgrade, or a model's first approval, the register is compared once without anybody asking: in a name of its own. The
-- worker process alone may open its session.
CREATE OR REPLACE FUNCTION khana_private.linkage_open_matching() RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN khana_private.access_new_session(
        khana_private.access_system_user('khana-matching', 'Matching after an upgrade', 'system', 'linkage.manage'),
        'JOB', interval '1 hour', true);
END $$;
REVOKE ALL ON FUNCTION khana_private.linkage_open_matching() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION khana_private.linkage_open_matching() TO khana_worker;
