-- Where appeals that were upheld count, by one rule for everybody and for one household. Each row says what counts no longer:
-- hits of a filter in one household (`household_id`), against one person (`person_id`), told of one person (`told_id`); what a
-- row leaves open is any. Persons stand under the file that is current at the time, whichever of hers was appealed for.
--   In the household of the appeal, nothing that the filter tells counts: against her, or against all where the whole
--   household appealed. What a filter reads of a household's own facts goes with these to a household that split off since.
--   What it tells of her counts against nobody, wherever she lives; of a household that appealed whole, of all who lived there.
--   What it tells of those with whom she lived when she appealed counts no longer against her, wherever they live now.
-- What somebody brings who came later, in another household, was never decided and counts. Only functions call it.
CREATE FUNCTION khana_private.programmes_upheld_of(p_appeals bigint[], p_at timestamptz)
RETURNS TABLE (filter text, household_id bigint, person_id bigint, told_id bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH RECURSIVE appeal AS MATERIALIZED (
        SELECT a.id, a.filter_code, a.person_id, a.lodged_at, h.id AS home, coalesce(f.rule->>'entity', '') = 'household' AS is_of_homes
        FROM public.programmes_filterappeal a
        LEFT JOIN public.registry_household h ON h.number = a.household_number AND h.number <> ''
        LEFT JOIN public.programmes_exclusionfilter f ON f.code = a.filter_code
        WHERE a.id = ANY (p_appeals)),
    company AS MATERIALIZED (
        SELECT DISTINCT a.id, m.person_id FROM appeal a
        JOIN public.registry_membership m ON m.household_id = a.home AND m.is_member AND m.recorded_at <= a.lodged_at
            AND (m.superseded_at IS NULL OR m.superseded_at > a.lodged_at)
            AND (m.valid_to IS NULL OR m.valid_to > (a.lodged_at AT TIME ZONE 'UTC')::date)
        WHERE NOT a.is_of_homes
        UNION
        SELECT a.id, a.person_id FROM appeal a WHERE NOT a.is_of_homes AND a.person_id IS NOT NULL),
    way (person_id, node, depth) AS (
        SELECT p.person_id, p.person_id, 0 FROM (
            SELECT c.person_id FROM company c UNION SELECT a.person_id FROM appeal a WHERE a.person_id IS NOT NULL) p
        UNION ALL
        SELECT w.person_id, l.current_id, w.depth + 1 FROM way w JOIN public.registry_alias l ON l.person_id = w.node
            AND l.valid_from <= p_at AND (l.valid_to IS NULL OR l.valid_to > p_at)
        WHERE w.depth < 16),
    file AS MATERIALIZED (
        SELECT DISTINCT ON (w.person_id) w.person_id, w.node AS current_id FROM way w ORDER BY w.person_id, w.depth DESC),
    home (id, household_id) AS (
        SELECT a.id, a.home FROM appeal a WHERE a.home IS NOT NULL
        UNION
        SELECT o.id, r.target_id FROM home o JOIN appeal a ON a.id = o.id AND a.is_of_homes
        JOIN public.registry_restructuring r ON r.source_id = o.household_id AND r.kind = 'SPLIT' AND r.target_id IS NOT NULL
            AND r.in_force_at > a.lodged_at AND r.in_force_at <= p_at)
    SELECT a.filter_code, o.household_id, f.current_id, NULL::bigint
    FROM appeal a JOIN home o ON o.id = a.id LEFT JOIN file f ON f.person_id = a.person_id
    UNION
    SELECT a.filter_code, NULL, NULL, f.current_id FROM appeal a JOIN file f ON f.person_id = a.person_id WHERE NOT a.is_of_homes
    UNION
    SELECT a.filter_code, NULL, f.current_id, t.current_id FROM appeal a JOIN company c ON c.id = a.id
    JOIN file t ON t.person_id = c.person_id LEFT JOIN file f ON f.person_id = a.person_id
$$;

-- The same of every appeal that was upheld by a time, for who holds rules against the whole country.
CREATE FUNCTION khana_private.programmes_upheld(p_at timestamptz)
RETURNS TABLE (filter text, household_id bigint, person_id bigint, told_id bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    IF NOT khana_private.access_everything('lists.draw') THEN
        RAISE EXCEPTION 'not permitted' USING ERRCODE = 'KH403', DETAIL = 'lists.draw';
    END IF;
    RETURN QUERY SELECT u.* FROM khana_private.programmes_upheld_of(ARRAY(
        SELECT a.id FROM public.programmes_filterappeal a WHERE a.state = 'UPHELD' AND a.decided_at <= p_at), p_at) u;
END $$;

-- What stands for and against the members of some households besides their facts: appeals that count there (UPHELD), and who
-- is paid by the state, by the numbers of all her files (REGISTER; a number that somebody else holds says nothing about her).
-- A person stands under each id by which a reader may see her here: her file in this household, its current one, and those
-- between. Who was ever of the household counts as a seat. Only functions call it.
DROP FUNCTION khana_private.programmes_against(bigint[], timestamptz);
DROP FUNCTION khana_private.programmes_standing(bigint[], timestamptz);
CREATE FUNCTION khana_private.programmes_standing(p_households bigint[], p_at timestamptz)
RETURNS TABLE (kind text, filter text, household_id bigint, person_id bigint, told_id bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    appeals bigint[];
    homes bigint[];
    people bigint[];
    nodes bigint[];
    currents bigint[];
    held_currents bigint[];
    held bigint[];
BEGIN
    SELECT array_agg(s.household_id), array_agg(s.person_id) INTO homes, people FROM (
        SELECT DISTINCT m.household_id, m.person_id FROM public.registry_membership m WHERE m.household_id = ANY (p_households)
            AND m.is_member AND m.recorded_at <= p_at AND (m.superseded_at IS NULL OR m.superseded_at > p_at)) s;
    -- most people have one file: nothing to walk
    IF EXISTS (SELECT FROM public.registry_alias l WHERE l.person_id = ANY (people) OR l.current_id = ANY (people)) THEN
        WITH RECURSIVE up (seat, node, depth) AS (
            SELECT s.seat, s.person_id, 0 FROM unnest(people) WITH ORDINALITY s (person_id, seat)
            UNION ALL
            SELECT u.seat, l.current_id, u.depth + 1 FROM up u JOIN public.registry_alias l ON l.person_id = u.node
                AND l.valid_from <= p_at AND (l.valid_to IS NULL OR l.valid_to > p_at)
            WHERE u.depth < 16),
        top AS (SELECT DISTINCT ON (u.seat) u.seat, u.node AS current_id FROM up u ORDER BY u.seat, u.depth DESC)
        SELECT array_agg(homes[u.seat]), array_agg(u.node), array_agg(t.current_id) INTO homes, nodes, currents
        FROM up u JOIN top t ON t.seat = u.seat;
        WITH RECURSIVE down (current_id, person_id, depth) AS (
            SELECT DISTINCT c, c, 0 FROM unnest(currents) c
            UNION ALL
            SELECT d.current_id, l.person_id, d.depth + 1 FROM down d JOIN public.registry_alias l ON l.current_id = d.person_id
                AND l.valid_from <= p_at AND (l.valid_to IS NULL OR l.valid_to > p_at)
            WHERE d.depth < 16)
        SELECT array_agg(d.current_id), array_agg(d.person_id) INTO held_currents, held
        FROM (SELECT DISTINCT d.current_id, d.person_id FROM down d) d;
    ELSE
        nodes := people; currents := people; held_currents := people; held := people;
    END IF;
    -- an appeal was lodged where she lived: every household of every file of hers
    SELECT array_agg(DISTINCT a.id) INTO appeals FROM public.registry_household h
    JOIN public.programmes_filterappeal a ON a.household_number = h.number AND a.state = 'UPHELD' AND a.decided_at <= p_at
    WHERE h.number <> '' AND h.id IN (
        SELECT unnest(p_households) UNION SELECT m.household_id FROM public.registry_membership m WHERE m.person_id = ANY (held));
    IF appeals IS NOT NULL THEN
        RETURN QUERY SELECT DISTINCT 'UPHELD', u.filter, h.id, p.node, t.node
        FROM khana_private.programmes_upheld_of(appeals, p_at) u
        JOIN unnest(p_households) h (id) ON u.household_id IS NULL OR u.household_id = h.id
        LEFT JOIN unnest(homes, nodes, currents) p (home, node, current_id) ON p.home = h.id AND p.current_id = u.person_id
        LEFT JOIN unnest(homes, nodes, currents) t (home, node, current_id) ON t.home = h.id AND t.current_id = u.told_id
        WHERE (u.person_id IS NULL OR p.node IS NOT NULL) AND (u.told_id IS NULL OR t.node IS NOT NULL);
    END IF;
    RETURN QUERY SELECT DISTINCT 'REGISTER', 'PUBLIC_EMPLOYEE', n.home, n.node, NULL::bigint
    FROM unnest(held_currents, held) f (current_id, person_id)
    JOIN public.registry_identifier i ON i.person_id = f.person_id AND i.retired_at IS NULL AND i.status <> 'DISPUTED'
    JOIN public.identity_publicemployee e ON e.id_token = i.token AND e.status = 'SERVING'
    JOIN unnest(homes, nodes, currents) n (home, node, current_id) ON n.current_id = f.current_id;
END $$;

-- The same for who may read these households: at a desk one sees neither payrolls nor, without the right to appeal, appeals,
-- and would refuse whom a decision has cleared, or promise what a filter will take back.
CREATE FUNCTION khana_private.programmes_against(p_households bigint[], p_at timestamptz)
RETURNS TABLE (kind text, filter text, household_id bigint, person_id bigint, told_id bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    is_all boolean := khana_private.access_everything('registry.read');
    paths text[] := khana_private.access_area_paths('registry.read');
BEGIN
    RETURN QUERY SELECT s.* FROM khana_private.programmes_standing(ARRAY(
        SELECT h.id FROM public.registry_household h
        WHERE h.id = ANY (p_households) AND (is_all OR h.area_path ^@ ANY (paths))), p_at) s;
END $$;
REVOKE ALL ON FUNCTION khana_private.programmes_upheld_of(bigint[], timestamptz), khana_private.programmes_upheld(timestamptz),
    khana_private.programmes_standing(bigint[], timestamptz), khana_private.programmes_against(bigint[], timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION khana_private.programmes_upheld(timestamptz), khana_private.programmes_against(bigint[], timestamptz)
    TO khana_web, khana_worker;
