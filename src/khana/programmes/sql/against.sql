-- What stands for and against the members of some households besides their facts: appeals against exclusion filters that
-- were upheld by a time, and who is paid by the state, by the numbers that are hers (a number that somebody else holds
-- says nothing about her). A file that was merged stands under the current one. Only functions call it.
CREATE FUNCTION khana_private.programmes_standing(p_households bigint[], p_at timestamptz)
RETURNS TABLE (kind text, filter text, household_id bigint, person_id bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT 'UPHELD', a.filter_code, h.id, coalesce(c.current_id, a.person_id)
    FROM public.registry_household h
    JOIN public.programmes_filterappeal a ON a.household_number = h.number AND a.state = 'UPHELD' AND a.decided_at <= p_at
    LEFT JOIN public.registry_alias c ON c.person_id = a.person_id AND c.valid_from <= p_at
        AND (c.valid_to IS NULL OR c.valid_to > p_at)
    WHERE h.id = ANY (p_households) AND h.number <> ''
    UNION
    SELECT 'REGISTER', 'PUBLIC_EMPLOYEE', m.household_id, coalesce(c.current_id, m.person_id)
    FROM public.registry_membership m
    JOIN public.registry_identifier i ON i.person_id = m.person_id AND i.retired_at IS NULL AND i.status <> 'DISPUTED'
    JOIN public.identity_publicemployee e ON e.id_token = i.token AND e.status = 'SERVING'
    LEFT JOIN public.registry_alias c ON c.person_id = m.person_id AND c.valid_from <= p_at
        AND (c.valid_to IS NULL OR c.valid_to > p_at)
    WHERE m.household_id = ANY (p_households) AND m.is_member AND m.superseded_at IS NULL AND m.valid_to IS NULL
$$;

-- The same for who may read these households: at a desk one sees neither payrolls nor, without the right to appeal, appeals,
-- and would refuse whom a decision has cleared, or promise what a filter will take back.
CREATE FUNCTION khana_private.programmes_against(p_households bigint[], p_at timestamptz)
RETURNS TABLE (kind text, filter text, household_id bigint, person_id bigint)
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
REVOKE ALL ON FUNCTION khana_private.programmes_standing(bigint[], timestamptz),
    khana_private.programmes_against(bigint[], timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION khana_private.programmes_against(bigint[], timestamptz) TO khana_web, khana_worker;
