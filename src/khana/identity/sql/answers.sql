-- What a desk may learn of the authority's extract without reading it: of numbers that somebody in her area shows, and
-- ties of a claimed number to the members of one of her households. Definer functions.

CREATE FUNCTION khana_private.identity_records(p_tokens bytea[])
RETURNS TABLE (token bytea, name text, name_native text, sex text, birth_date date, status text, death_date date)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    whole boolean := khana_private.access_everything('identity.verify');
    areas text[] := khana_private.access_area_paths('identity.verify');
BEGIN
    IF NOT khana_private.access_has('identity.verify') THEN
        RAISE EXCEPTION 'not permitted' USING ERRCODE = 'KH403', DETAIL = 'identity.verify';
    END IF;
    RETURN QUERY
    SELECT DISTINCT ON (r.token) r.token, r.name, r.name_native, r.sex::text, r.birth_date, r.status, r.death_date
    FROM public.identity_nationalidrecord r
    WHERE r.token = ANY (p_tokens)
      AND (whole OR EXISTS (SELECT FROM public.registry_identifier i
                            WHERE i.token = r.token AND i.retired_at IS NULL AND i.area_path ^@ ANY (areas)))
    ORDER BY r.token, r.id;
END $$;

-- For a claimed number and the numbers of listed members: what the extract holds of her, and each tie. `alpha` is the
-- family she was born into, `beta` the one she married into or founded, seen from the listed member.
CREATE FUNCTION khana_private.identity_ties(p_claimed bytea, p_household bigint)
RETURNS TABLE (is_known boolean, is_dead boolean, has_relatives boolean, birth_year integer, listed_person bigint,
               listed_known boolean, listed_birth_year integer, tie text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    IF NOT EXISTS (SELECT FROM public.registry_household h WHERE h.id = p_household
                   AND (khana_private.access_everything('identity.verify')
                        OR h.area_path ^@ ANY (khana_private.access_area_paths('identity.verify')))) THEN
        RAISE EXCEPTION 'not permitted' USING ERRCODE = 'KH403', DETAIL = 'identity.verify';
    END IF;
    RETURN QUERY
    WITH claimed AS (
        SELECT r.* FROM public.identity_nationalidrecord r WHERE r.token = p_claimed ORDER BY r.id LIMIT 1
    ), listed AS (
        SELECT DISTINCT ON (m.person_id) m.person_id, i.token, l.token IS NOT NULL AS known, l.father_token, l.spouse_token,
               l.sex, extract(year FROM l.birth_date)::integer AS born
        FROM public.registry_membership m
        JOIN public.registry_identifier i ON i.person_id = m.person_id AND i.retired_at IS NULL AND i.token <> p_claimed
        LEFT JOIN public.identity_nationalidrecord l ON l.token = i.token
        WHERE m.household_id = p_household AND m.is_member AND m.valid_to IS NULL AND m.superseded_at IS NULL
        ORDER BY m.person_id, l.token IS NULL, i.id, l.id
    )
    SELECT c.token IS NOT NULL, coalesce(c.status = 'DECEASED' OR c.death_date IS NOT NULL, false),
           c.father_token IS NOT NULL OR c.spouse_token IS NOT NULL, extract(year FROM c.birth_date)::integer,
           l.person_id, coalesce(l.known, false), l.born,
           CASE WHEN c.token IS NULL OR NOT coalesce(l.known, false) THEN NULL
                WHEN l.spouse_token = c.token OR c.spouse_token = l.token THEN 'beta:spouse'
                WHEN c.father_token = l.token OR c.father_token = l.spouse_token THEN 'beta:child'
                WHEN l.father_token = c.token THEN 'alpha:parent'
                WHEN c.spouse_token = l.father_token
                  OR EXISTS (SELECT FROM public.identity_nationalidrecord f
                             WHERE f.token = l.father_token AND f.spouse_token = c.token) THEN 'alpha:parent'
                WHEN c.father_token = l.father_token THEN 'alpha:sibling'
           END
    FROM (SELECT 1) one LEFT JOIN claimed c ON true LEFT JOIN listed l ON true;
END $$;

-- Of a person in the asker's area: her telephone for a code, the one registered to her number before any other.
CREATE FUNCTION khana_private.identity_telephone(p_person bigint)
RETURNS TABLE (mobile_token bytea, mobile_ciphertext bytea, comes_from text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM public.registry_person p WHERE p.id = p_person
                   AND (khana_private.access_everything('identity.verify')
                        OR p.area_path ^@ ANY (khana_private.access_area_paths('identity.verify')))) THEN
        RAISE EXCEPTION 'not permitted' USING ERRCODE = 'KH403', DETAIL = 'identity.verify';
    END IF;
    RETURN QUERY
    WITH said AS (
        SELECT v.mobile_token AS t, v.mobile_ciphertext AS c, 0 AS place FROM public.registry_personversion v
        WHERE v.person_id = p_person AND v.valid_to IS NULL AND v.superseded_at IS NULL
        UNION ALL
        SELECT h.mobile_token, h.mobile_ciphertext, 1
        FROM public.registry_membership m JOIN public.registry_householdversion h ON h.household_id = m.household_id
        WHERE m.person_id = p_person AND m.valid_to IS NULL AND m.superseded_at IS NULL
          AND h.valid_to IS NULL AND h.superseded_at IS NULL
    )
    SELECT s.t, s.c, CASE WHEN r.is_hers THEN 'SIM_REGISTER' ELSE 'FILE' END
    FROM said s CROSS JOIN LATERAL (
        SELECT EXISTS (SELECT FROM public.identity_simrecord x JOIN public.registry_identifier i ON i.token = x.id_token
                       WHERE x.mobile_token = s.t AND i.person_id = p_person AND i.retired_at IS NULL) AS is_hers) r
    WHERE s.t IS NOT NULL AND s.c IS NOT NULL AND (s.place = 0 OR r.is_hers)
    ORDER BY r.is_hers DESC, s.place LIMIT 1;
END $$;

-- Count a try of a code and take it where it is right. Does not raise for a wrong one: the try must stay counted.
CREATE FUNCTION khana_private.identity_consent(p_transaction uuid, p_code_hash bytea, p_at timestamptz, p_good_for interval)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found public.identity_consent;
BEGIN
    SELECT c.* INTO found FROM public.identity_consent c WHERE c.transaction = p_transaction
      AND (khana_private.access_everything('identity.verify')
           OR c.area_path ^@ ANY (khana_private.access_area_paths('identity.verify'))) FOR UPDATE;
    IF found.id IS NULL THEN
        RETURN 'UNKNOWN';
    END IF;
    IF found.given_at IS NOT NULL THEN
        RETURN 'GIVEN';
    END IF;
    IF found.tries >= 5 OR found.expires_at <= p_at THEN
        RETURN 'OVER';
    END IF;
    IF found.code_hash <> p_code_hash THEN
        UPDATE public.identity_consent SET tries = tries + 1 WHERE id = found.id;
        RETURN 'WRONG';
    END IF;
    UPDATE public.identity_consent SET given_at = p_at, good_until = p_at + p_good_for, tries = tries + 1 WHERE id = found.id;
    RETURN 'TAKEN';
END $$;

REVOKE ALL ON FUNCTION khana_private.identity_records(bytea[]), khana_private.identity_ties(bytea, bigint),
    khana_private.identity_telephone(bigint),
    khana_private.identity_consent(uuid, bytea, timestamptz, interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION khana_private.identity_records(bytea[]), khana_private.identity_ties(bytea, bigint),
    khana_private.identity_telephone(bigint),
    khana_private.identity_consent(uuid, bytea, timestamptz, interval) TO khana_web, khana_worker;
