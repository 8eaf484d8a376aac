-- Closing old values anew: every column that holds ciphertext, from the catalogue. The plain value is never here: the worker
-- takes closed values, opens and closes them in its own memory, and puts each back where nobody changed it meanwhile. Only a
-- job of somebody who keeps the keys may; she herself never gets a value.
CREATE FUNCTION khana_private.reseal_require_job() RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT khana_private.access_everything('keys.manage') OR NOT EXISTS (
        SELECT FROM public.access_session s WHERE s.kind = 'JOB'
        AND s.token_hash = sha256(convert_to(nullif(current_setting('khana.token', true), ''), 'UTF8'))) THEN
        RAISE EXCEPTION 'not permitted' USING ERRCODE = 'KH403', DETAIL = 'keys.manage';
    END IF;
END $$;

CREATE FUNCTION khana_private.reseal_columns()
RETURNS TABLE (place text, named text, key_column text, purpose text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT c.relname::text, a.attname::text, k.attname::text,
           CASE WHEN a.attname = 'totp_ciphertext' THEN 'totp' ELSE 'aes' END
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary AND i.indnkeyatts = 1
    JOIN pg_attribute k ON k.attrelid = c.oid AND k.attnum = i.indkey[0]
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.atttypid = 'bytea'::regtype
      AND (a.attname LIKE '%ciphertext' OR (c.relname, a.attname) = ('assessment_snapshot', 'content'))
    ORDER BY 1, 2
$$;

-- how many values each key still closes, by the four bytes by which a value names its key
CREATE FUNCTION khana_private.reseal_counts()
RETURNS TABLE (place text, named text, purpose text, mark bytea, held bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    one record;
BEGIN
    IF NOT khana_private.access_is_owner() AND NOT khana_private.access_everything('keys.manage') THEN
        RAISE EXCEPTION 'not permitted' USING ERRCODE = 'KH403', DETAIL = 'keys.manage';
    END IF;
    FOR one IN SELECT * FROM khana_private.reseal_columns() LOOP
        RETURN QUERY EXECUTE format(
            'SELECT %L::text, %L::text, %L::text, substring(t.%I FROM 2 FOR 4), count(*) FROM public.%I t'
            ' WHERE t.%I IS NOT NULL GROUP BY 4', one.place, one.named, one.purpose, one.named, one.place, one.named);
    END LOOP;
END $$;

CREATE FUNCTION khana_private.reseal_take(p_place text, p_named text, p_mark bytea, p_after text, p_limit integer)
RETURNS TABLE (id text, value bytea)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    one record;
BEGIN
    PERFORM khana_private.reseal_require_job();
    SELECT c.*, format_type(a.atttypid, a.atttypmod) AS kind INTO STRICT one FROM khana_private.reseal_columns() c
    JOIN pg_attribute a ON a.attrelid = format('public.%I', c.place)::regclass AND a.attname = c.key_column
    WHERE c.place = p_place AND c.named = p_named;
    RETURN QUERY EXECUTE format(
        'SELECT t.%I::text, t.%I FROM public.%I t WHERE ($2 IS NULL OR t.%I > $2::%s) AND t.%I IS NOT NULL'
        ' AND substring(t.%I FROM 2 FOR 4) <> $1 ORDER BY t.%I LIMIT $3',
        one.key_column, one.named, one.place, one.key_column, one.kind, one.named, one.named, one.key_column)
        USING p_mark, p_after, p_limit;
END $$;

CREATE FUNCTION khana_private.reseal_put(p_place text, p_named text, p_ids text[], p_old bytea[], p_new bytea[])
RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    one record;
    done integer;
BEGIN
    PERFORM khana_private.reseal_require_job();
    SELECT c.*, format_type(a.atttypid, a.atttypmod) AS kind INTO STRICT one FROM khana_private.reseal_columns() c
    JOIN pg_attribute a ON a.attrelid = format('public.%I', c.place)::regclass AND a.attname = c.key_column
    WHERE c.place = p_place AND c.named = p_named;
    EXECUTE format(
        'UPDATE public.%I t SET %I = n.new FROM unnest($1, $2, $3) AS n (id, old, new) WHERE t.%I = n.id::%s AND t.%I = n.old',
        one.place, one.named, one.key_column, one.kind, one.named) USING p_ids, p_old, p_new;
    GET DIAGNOSTICS done = ROW_COUNT;
    RETURN done;
END $$;

REVOKE ALL ON FUNCTION khana_private.reseal_require_job(), khana_private.reseal_columns(), khana_private.reseal_counts(),
    khana_private.reseal_take(text, text, bytea, text, integer),
    khana_private.reseal_put(text, text, text[], bytea[], bytea[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION khana_private.reseal_columns(), khana_private.reseal_counts(),
    khana_private.reseal_take(text, text, bytea, text, integer),
    khana_private.reseal_put(text, text, text[], bytea[], bytea[]) TO khana_worker;
