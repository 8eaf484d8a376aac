-- The file that a person's id stands for at a time, and every id that stands for a file: chains of merges
-- are followed. Not definers: the way ends at the last file that the reader may see.
CREATE FUNCTION khana_private.registry_current(p_person bigint, p_at timestamptz DEFAULT now()) RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    WITH RECURSIVE way(person_id, depth) AS (
        SELECT p_person, 0
        UNION ALL
        SELECT a.current_id, w.depth + 1 FROM way w JOIN registry_alias a ON a.person_id = w.person_id
            AND a.valid_from <= p_at AND (a.valid_to IS NULL OR a.valid_to > p_at)
        JOIN registry_person p ON p.id = a.current_id
        WHERE w.depth < 16)
    SELECT person_id FROM way ORDER BY depth DESC LIMIT 1
$$;

CREATE FUNCTION khana_private.registry_files_of(p_current bigint, p_at timestamptz DEFAULT now()) RETURNS SETOF bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    WITH RECURSIVE held(person_id, depth) AS (
        SELECT p_current, 0
        UNION ALL
        SELECT a.person_id, h.depth + 1 FROM held h JOIN registry_alias a ON a.current_id = h.person_id
            AND a.valid_from <= p_at AND (a.valid_to IS NULL OR a.valid_to > p_at)
        WHERE h.depth < 16)
    SELECT DISTINCT person_id FROM held
$$;
REVOKE ALL ON FUNCTION khana_private.registry_current(bigint, timestamptz),
    khana_private.registry_files_of(bigint, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION khana_private.registry_current(bigint, timestamptz),
    khana_private.registry_files_of(bigint, timestamptz) TO khana_web, khana_worker;
