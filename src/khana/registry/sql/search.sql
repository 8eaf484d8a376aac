-- Names like the one that is asked for, among the persons whom the session may read. A trigram
-- operator may leak what it compares, so behind a policy it loses its index: this function passes
-- the policy as the owner and applies the same scope itself. At most 200 rows, best first; of very
-- common names the first 5,000 candidates are ranked.
CREATE FUNCTION khana_private.registry_search_names(p_query text, p_limit integer)
RETURNS TABLE (person_id bigint, name text, name_native text, guardian_name text, area_path text, likeness real)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    everything boolean := khana_private.access_everything('registry.read');
    paths text[] := khana_private.access_area_paths('registry.read');
BEGIN
    IF length(trim(p_query)) < 2 OR cardinality(paths) = 0 THEN
        RETURN;
    END IF;
    RETURN QUERY
    SELECT c.person_id, c.name, c.name_native, c.guardian_name, c.area_path,
           greatest(public.word_similarity(p_query, c.name), public.word_similarity(p_query, c.name_native),
                    0.9 * public.word_similarity(p_query, c.guardian_name))::real AS likeness
    FROM (SELECT v.person_id, v.name, v.name_native, v.guardian_name, v.area_path
          FROM public.registry_personversion v
          WHERE (v.name OPERATOR(public.%>) p_query OR v.name_native OPERATOR(public.%>) p_query
                 OR v.guardian_name OPERATOR(public.%>) p_query)
            AND v.superseded_at IS NULL AND v.valid_to IS NULL
            AND (everything OR v.area_path ^@ ANY (paths))
          LIMIT 5000) c
    ORDER BY likeness DESC, c.name, c.person_id
    LIMIT least(greatest(p_limit, 1), 200);
END $$;

-- Which of these numbers (tokens) already have a verified holder, anywhere in the country. Says
-- that somebody holds a number, as the unique constraint would, and never who: the writer stores
-- such a claim as DISPUTED.
CREATE FUNCTION khana_private.registry_numbers_held(p_type text, p_tokens bytea[]) RETURNS SETOF bytea
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT i.token FROM public.registry_identifier i
    WHERE khana_private.access_has('registry.write')
      AND i.type = p_type AND i.token = ANY (p_tokens) AND i.status = 'VERIFIED' AND i.retired_at IS NULL
$$;

REVOKE ALL ON FUNCTION khana_private.registry_search_names(text, integer),
    khana_private.registry_numbers_held(text, bytea[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION khana_private.registry_search_names(text, integer),
    khana_private.registry_numbers_held(text, bytea[]) TO khana_web, khana_worker;
