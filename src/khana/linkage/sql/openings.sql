-- Files of the whole country that may be one person's: the search behind the two functions below; no role may call it.
-- A file is like her where it shows a number, or where every word of her name is met by itself or one like it, sex is not
-- told otherwise, the year of birth is within one, and, where both name one, the father's or husband's name meets too.
CREATE FUNCTION khana_private.linkage_like_anywhere(
    p_name text, p_guardian text, p_sex text, p_year integer, p_tokens bytea[])
RETURNS TABLE (person_id bigint, area_path text, shares_number boolean, is_inside boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    everything boolean := khana_private.access_everything('registry.read');
    paths text[] := khana_private.access_area_paths('registry.read');
    asked text[] := (khana_private.registry_words(p_name))[1:6];
    guardian text[] := (khana_private.registry_words(p_guardian))[1:6];
    conditions text;
BEGIN
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
            LIMIT 500)
        SELECT person_id, max(area_path), bool_or(shares_number), bool_or($6 OR area_path ^@ ANY ($7))
        FROM (SELECT * FROM held UNION ALL SELECT * FROM named) b GROUP BY person_id
        $q$, coalesce(conditions, 'false'))
    USING asked, p_tokens, p_sex, p_year, guardian, everything, paths;
END $$;
REVOKE ALL ON FUNCTION khana_private.linkage_like_anywhere(text, text, text, integer, bytea[]) FROM PUBLIC;

-- May somebody have a file already? Files within the asker's area by their id, best first; of all others only whether there
-- is one (a row without an id).
CREATE OR REPLACE FUNCTION khana_private.linkage_files_like(
    p_name text, p_guardian text, p_sex text, p_year integer, p_tokens bytea[])
RETURNS TABLE (person_id bigint, shares_number boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    IF NOT khana_private.access_has('registry.write') THEN
        RAISE EXCEPTION 'permission' USING ERRCODE = 'KH403', DETAIL = 'registry.write';
    END IF;
    RETURN QUERY
        WITH placed AS MATERIALIZED (
            SELECT * FROM khana_private.linkage_like_anywhere(p_name, p_guardian, p_sex, p_year, p_tokens))
        (SELECT person_id, shares_number FROM placed WHERE is_inside ORDER BY shares_number DESC, person_id LIMIT 20)
        UNION ALL
        SELECT NULL, bool_or(shares_number) FROM placed WHERE NOT is_inside HAVING count(*) > 0;
END $$;

-- Ask that files outside the asker's area be opened: those that are like her, and those that the model names. Each asker asks
-- once for a file; who answers is a steward of the file's area. Returns how many were asked for, never which.
CREATE FUNCTION khana_private.linkage_ask_opening(
    p_name text, p_guardian text, p_sex text, p_year integer, p_tokens bytea[], p_people bigint[], p_said bytea,
    p_at timestamptz)
RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    asker bigint := khana_private.access_actor();
    everything boolean := khana_private.access_everything('registry.read');
    paths text[] := khana_private.access_area_paths('registry.read');
    made integer;
BEGIN
    IF NOT khana_private.access_has('registry.write') THEN
        RAISE EXCEPTION 'permission' USING ERRCODE = 'KH403', DETAIL = 'registry.write';
    END IF;
    INSERT INTO public.linkage_opening (person_id, area_path, asked_by, asked_at, said, state, answer)
    SELECT f.person_id, max(f.area_path), asker, p_at, p_said, 'ASKED', ''
    FROM (SELECT person_id, area_path, shares_number
          FROM khana_private.linkage_like_anywhere(p_name, p_guardian, p_sex, p_year, p_tokens) WHERE NOT is_inside
          UNION ALL
          SELECT v.person_id, v.area_path, false FROM public.registry_personversion v
          WHERE v.person_id = ANY (p_people) AND v.superseded_at IS NULL AND v.valid_to IS NULL
              AND NOT (everything OR v.area_path ^@ ANY (paths))) f
    WHERE NOT EXISTS (SELECT FROM public.linkage_opening o
                      WHERE o.person_id = f.person_id AND o.asked_by = asker AND o.state = 'ASKED')
    GROUP BY f.person_id ORDER BY bool_or(f.shares_number) DESC, f.person_id LIMIT 5;
    GET DIAGNOSTICS made = ROW_COUNT;
    RETURN made;
END $$;

-- The asker's own questions with their answers; which file, and where it is, only a steward's answer tells.
CREATE FUNCTION khana_private.linkage_my_openings()
RETURNS TABLE (id bigint, asked_at timestamptz, said bytea, state text, answered_at timestamptz, answer bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT o.id, o.asked_at, o.said, o.state, o.answered_at, o.answer FROM public.linkage_opening o
    WHERE o.asked_by = khana_private.access_actor() ORDER BY o.id DESC LIMIT 50
$$;

-- A question is answered once, in the answerer's own name, and not by who asked it.
CREATE FUNCTION khana_private.linkage_opening_answered() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF OLD.state <> 'ASKED' THEN
        RAISE EXCEPTION 'an answer is not changed' USING ERRCODE = '42501';
    END IF;
    NEW.answered_by := khana_private.access_actor();
    IF NEW.answered_by = OLD.asked_by THEN
        RAISE EXCEPTION 'who asked does not answer' USING ERRCODE = '42501';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER opening_answered BEFORE UPDATE ON linkage_opening
FOR EACH ROW EXECUTE FUNCTION khana_private.linkage_opening_answered();

REVOKE ALL ON FUNCTION khana_private.linkage_ask_opening(text, text, text, integer, bytea[], bigint[], bytea, timestamptz)
    FROM PUBLIC;
REVOKE ALL ON FUNCTION khana_private.linkage_my_openings() FROM PUBLIC;
REVOKE ALL ON FUNCTION khana_private.linkage_opening_answered() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION khana_private.linkage_ask_opening(text, text, text, integer, bytea[], bigint[], bytea, timestamptz)
    TO khana_web, khana_worker;
GRANT EXECUTE ON FUNCTION khana_private.linkage_my_openings() TO khana_web, khana_worker;
