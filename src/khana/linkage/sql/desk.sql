-- May somebody have a file already? Asked at the desk before a new one is made, over the whole country: files within
-- the asker's area by their id, best first; of all others only whether there is one (a row without an id). A file is like her
-- where it shows a number, or where every word of her name is met by itself or one like it, sex is not told otherwise, the
-- year of birth is within one, and, where both name one, the father's or husband's name meets too.
CREATE FUNCTION khana_private.linkage_files_like(
    p_name text, p_guardian text, p_sex text, p_year integer, p_tokens bytea[])
RETURNS TABLE (person_id bigint, shares_number boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    everything boolean := khana_private.access_everything('registry.read');
    paths text[] := khana_private.access_area_paths('registry.read');
    asked text[] := (khana_private.registry_words(p_name))[1:6];
    guardian text[] := (khana_private.registry_words(p_guardian))[1:6];
    conditions text;
BEGIN
    IF NOT khana_private.access_has('registry.write') THEN
        RAISE EXCEPTION 'permission' USING ERRCODE = 'KH403', DETAIL = 'registry.write';
    END IF;
    IF length(array_to_string(asked, '')) < 3 AND cardinality(p_tokens) = 0 THEN
        RETURN;
    END IF;
    -- the words themselves are data; only the number of conditions is built
    SELECT string_agg(format(
        'khana_private.registry_words(v.name || '' '' || v.name_native || '' '' || v.guardian_name) && khana_private.registry_like_words($1[%s])', n),
        ' AND ') INTO conditions
    FROM generate_subscripts(asked, 1) n;
    RETURN QUERY EXECUTE format($q$
        WITH held AS (
            SELECT i.person_id, i.area_path, true AS shares_number FROM public.registry_identifier i
            WHERE i.token = ANY ($2) AND i.retired_at IS NULL),
        named AS (
            SELECT v.person_id, v.area_path, false AS shares_number FROM public.registry_personversion v
            WHERE %s AND v.superseded_at IS NULL AND v.valid_to IS NULL
                AND (v.sex = '' OR $3 = '' OR v.sex = $3)
                AND ($4 IS NULL OR v.birth_year IS NULL OR abs(v.birth_year - $4) <= 1)
                AND (cardinality($5) = 0 OR v.guardian_name = '' OR khana_private.registry_words(v.guardian_name) && $5)
            LIMIT 500),
        placed AS (SELECT person_id, bool_or(shares_number) AS shares_number, bool_or($6 OR area_path ^@ ANY ($7)) AS is_inside
                   FROM (SELECT * FROM held UNION ALL SELECT * FROM named) b GROUP BY person_id)
        (SELECT person_id, shares_number FROM placed WHERE is_inside ORDER BY shares_number DESC, person_id LIMIT 20)
        UNION ALL
        SELECT NULL, bool_or(shares_number) FROM placed WHERE NOT is_inside HAVING count(*) > 0
        $q$, coalesce(conditions, 'false'))
    USING asked, p_tokens, p_sex, p_year, guardian, everything, paths;
END $$;
REVOKE ALL ON FUNCTION khana_private.linkage_files_like(text, text, text, integer, bytea[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION khana_private.linkage_files_like(text, text, text, integer, bytea[]) TO khana_web, khana_worker;
