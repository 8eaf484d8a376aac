-- "May this number join that programme?" with the exclusion filters of the programme: what `beneficiaries_ask` finds, which
-- alone says whether the asker's grant reaches programme and person, and beside it the filters that were not withdrawn, where
-- the members of her household stand, which appeals were upheld and who is paid by the state. The caller weighs the filters
-- against the facts by the rule language; what stands here is for that alone and reaches no asker.
CREATE OR REPLACE FUNCTION khana_private.beneficiaries_ask_whole(
    p_token text, p_tokens bytea[], p_programme text, p_cap integer, p_day date, p_at timestamptz)
RETURNS TABLE (outcome text, reasons json, missing json, programme json, known json, whose json, against json)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    found record;
    filters json;
    home bigint;
    who bigint;
    held bigint[];
    told json;
BEGIN
    SELECT * INTO found FROM khana_private.beneficiaries_ask(p_token, p_tokens, p_programme, p_cap, p_day, p_at);
    IF found.known IS NOT NULL THEN
        SELECT json_agg(json_build_object('filter', f.code, 'name', f.name, 'rule', f.rule) ORDER BY f.place, f.code) INTO filters
        FROM programmes_exclusionfilter f
        WHERE f.programmes ? p_programme AND (f.withdrawn_from IS NULL OR f.withdrawn_from > p_day);
    END IF;
    IF filters IS NOT NULL THEN
        who := (found.known->>'person')::bigint;
        SELECT array_agg(f) INTO held FROM khana_private.registry_files_of(who, p_at) f;
        SELECT m.household_id INTO home FROM registry_membership m
        WHERE m.person_id = ANY (held) AND m.superseded_at IS NULL AND m.valid_to IS NULL ORDER BY m.id DESC LIMIT 1;
        told := json_build_object('filters', filters,
            'seats', (SELECT coalesce(json_agg(json_build_array(
                    CASE WHEN m.person_id = ANY (held) THEN who ELSE m.person_id END,
                    m.line_no, m.spouse_line) ORDER BY m.line_no), '[]')
                FROM registry_membership m
                WHERE m.household_id = home AND m.is_member AND m.superseded_at IS NULL
                    AND m.valid_from <= p_day AND (m.valid_to IS NULL OR m.valid_to > p_day)),
            'standing', (SELECT coalesce(json_agg(json_build_array(s.kind, s.filter, s.person_id, s.told_id)), '[]')
                FROM khana_private.programmes_standing(ARRAY[home], p_at) s));
    END IF;
    RETURN QUERY SELECT found.outcome, found.reasons, found.missing, found.programme, found.known, found.whose, told;
END $$;
REVOKE ALL ON FUNCTION khana_private.beneficiaries_ask_whole(text, bytea[], text, integer, date, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION khana_private.beneficiaries_ask_whole(text, bytea[], text, integer, date, timestamptz) TO khana_web, khana_worker;
-- who asks, asks whole: the first half answers functions only
REVOKE EXECUTE ON FUNCTION khana_private.beneficiaries_ask(text, bytea[], text, integer, date, timestamptz) FROM khana_web, khana_worker;
