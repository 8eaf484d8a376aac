-- "May this number join that programme?" in two statements. The first looks: who it is, what the rules between programmes
-- say of her, and the facts of her household for the programme's own rule, which the caller holds against the rule
-- language. The second keeps what was answered. A definer, because who asks sees one programme, and the cap and the
-- exclusions are about all of them: it says which rule speaks, never what else the person draws. It answers only where the
-- asker's grant reaches the programme and the person's area; who is not there and who is not hers to ask about are one and
-- the same answer. Facts leave it for the rule alone and reach no asker.
DROP FUNCTION khana_private.beneficiaries_may_join(text, bytea[], text, integer, numeric, date, timestamptz);
CREATE FUNCTION khana_private.beneficiaries_ask(
    p_token text, p_tokens bytea[], p_programme text, p_cap integer, p_day date, p_at timestamptz)
RETURNS TABLE (outcome text, reasons json, missing json, programme json, known json, whose json)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    may text := 'enrolments.ask';
    prog programmes_programme;
    who bigint[];
    held bigint[];
    held_tokens bytea[];
    v registry_personversion;
    home registry_household;
    own beneficiaries_enrolment;
    last_run bigint;
    drawn text[];
    is_all boolean;
    score numeric;
    told json;
    no jsonb := '[]';
    lacks jsonb := '[]';
BEGIN
    IF p_token IS NOT NULL THEN
        PERFORM set_config('khana.token', p_token, true);
    END IF;
    IF khana_private.access_actor() IS NULL THEN
        RETURN QUERY SELECT 'NOBODY', NULL::json, NULL::json, NULL::json, NULL::json, NULL::json;
        RETURN;
    END IF;
    SELECT p.* INTO prog FROM programmes_programme p WHERE p.code = p_programme;
    IF NOT khana_private.access_has(may) THEN
        RETURN QUERY SELECT 'FORBIDDEN', NULL::json, NULL::json, NULL::json, NULL::json, NULL::json;
        RETURN;
    END IF;
    IF prog.code IS NULL THEN
        RETURN QUERY SELECT 'NO_PROGRAMME', NULL::json, NULL::json, NULL::json, NULL::json, NULL::json;
        RETURN;
    END IF;
    is_all := khana_private.access_everything(may);
    IF NOT (is_all OR cardinality(khana_private.access_open_area_paths(may)) > 0
        OR EXISTS (SELECT FROM unnest(khana_private.access_agency_areas(may)) g WHERE g ^@ (prog.agency || chr(31)))
        OR EXISTS (SELECT FROM unnest(khana_private.access_programme_areas(may)) g
                   WHERE g ^@ (prog.agency || chr(31) || prog.code || chr(31)))) THEN
        RETURN QUERY SELECT 'OUTSIDE', NULL::json, NULL::json, NULL::json, NULL::json, NULL::json;
        RETURN;
    END IF;
    SELECT array_agg(DISTINCT khana_private.registry_current(i.person_id, p_at)) INTO who
    FROM registry_identifier i WHERE i.token = ANY (p_tokens) AND i.retired_at IS NULL
        AND i.status = CASE WHEN EXISTS (SELECT FROM registry_identifier x WHERE x.token = ANY (p_tokens)
            AND x.retired_at IS NULL AND x.status = 'VERIFIED') THEN 'VERIFIED' ELSE i.status END;
    IF cardinality(who) = 1 THEN
        SELECT n.* INTO v FROM registry_personversion n
        WHERE n.person_id = who[1] AND n.valid_from <= p_day AND (n.valid_to IS NULL OR n.valid_to > p_day)
            AND n.superseded_at IS NULL ORDER BY n.recorded_at DESC, n.id DESC LIMIT 1;
    END IF;
    IF v.person_id IS NULL OR NOT (is_all
        OR v.area_path ^@ ANY (khana_private.access_open_area_paths(may))
        OR (prog.agency || chr(31) || v.area_path) ^@ ANY (khana_private.access_agency_areas(may))
        OR (prog.agency || chr(31) || prog.code || chr(31) || v.area_path) ^@ ANY (khana_private.access_programme_areas(may)))
    THEN
        lacks := jsonb_build_array(jsonb_build_object('code',
            CASE WHEN cardinality(who) > 1 AND is_all THEN 'NUMBER_DISPUTED' ELSE 'NOT_FOUND_IN_SCOPE' END));
        RETURN QUERY SELECT 'OK', no::json, lacks::json, NULL::json, NULL::json, json_build_object('area_path', '', 'persons', '[]'::json);
        RETURN;
    END IF;
    SELECT array_agg(f) INTO held FROM khana_private.registry_files_of(v.person_id, p_at) f;
    SELECT p_tokens || coalesce(array_agg(DISTINCT n.token), '{}') INTO held_tokens
    FROM registry_identifier n WHERE n.person_id = ANY (held) AND n.retired_at IS NULL AND n.status <> 'DISPUTED';
    SELECT h.* INTO home FROM registry_membership m JOIN registry_household h ON h.id = m.household_id
    WHERE m.person_id = ANY (held) AND m.superseded_at IS NULL AND m.valid_to IS NULL ORDER BY m.id DESC LIMIT 1;
    SELECT max(r.id) INTO last_run FROM beneficiaries_run r WHERE r.state = 'DONE';
    SELECT e.* INTO own FROM beneficiaries_enrolment e
    WHERE e.programme = prog.code AND e.id_token = ANY (held_tokens) ORDER BY e.state_at DESC LIMIT 1;
    -- what the last run found, with who joined and who left since
    SELECT coalesce(array_agg(DISTINCT c), '{}') INTO drawn FROM (
        SELECT jsonb_array_elements_text(r.programmes) AS c FROM beneficiaries_recipient r
        WHERE r.run_id = last_run AND r.person_id = ANY (held)
        UNION
        SELECT jsonb_array_elements_text(r.programmes) FROM beneficiaries_recipient r
        WHERE r.run_id = last_run AND r.person_id IS NULL AND r.id_token = ANY (held_tokens)
        UNION
        SELECT e.programme FROM beneficiaries_enrolment e
        WHERE e.id_token = ANY (held_tokens) AND e.state IN ('SELECTED', 'NOTIFIED', 'ENROLLED', 'SUSPENDED')) d
    WHERE NOT EXISTS (SELECT FROM beneficiaries_enrolment e WHERE e.programme = d.c AND e.id_token = ANY (held_tokens)
        AND e.state IN ('EXITED', 'GRADUATED', 'DECLINED') AND e.changed_by = 'HUMAN');
    -- dead by her file, or by the extract of the authority for one of her numbers
    IF v.facts->>'life_status' = 'DECEASED' OR EXISTS (SELECT FROM identity_nationalidrecord n
        WHERE n.token = ANY (held_tokens) AND (n.status = 'DECEASED' OR n.death_date <= p_day)) THEN
        no := no || jsonb_build_object('code', 'DECEASED');
    END IF;
    IF prog.code = ANY (drawn) THEN
        no := no || jsonb_build_object('code', 'ALREADY_ENROLLED');
    ELSIF own.state IN ('EXITED', 'GRADUATED') AND own.reentry_from > p_day THEN
        no := no || jsonb_build_object('code', 'REENTRY_NOT_YET', 'from', own.reentry_from);
    END IF;
    SELECT no || coalesce(jsonb_agg(jsonb_build_object('code', 'STOPPED_BY_RULE', 'rule', s.rule)), '[]') INTO no FROM (
        SELECT DISTINCT s.rule FROM beneficiaries_stop s
        WHERE s.programme = prog.code AND s.state = 'EFFECTIVE' AND s.person_id = ANY (held)) s;
    IF EXISTS (SELECT FROM programmes_programme o WHERE o.code = ANY (drawn) AND o.code <> prog.code
               AND (prog.incompatible_with ? o.code OR o.incompatible_with ? prog.code)) THEN
        no := no || jsonb_build_object('code', 'OTHER_PROGRAMME_CONFLICT');
    END IF;
    IF prog.counts_to_cap AND (SELECT count(*) FROM programmes_programme o
        WHERE o.code = ANY (drawn) AND o.counts_to_cap AND o.code <> prog.code) >= p_cap THEN
        no := no || jsonb_build_object('code', 'CAP_EXCEEDED', 'most', p_cap);
    END IF;
    IF prog.requires <> '' AND NOT EXISTS (
        SELECT FROM beneficiaries_recipient r WHERE r.run_id = last_run AND home.number <> ''
            AND r.household_number = home.number AND r.programmes ? prog.requires)
        AND NOT prog.requires = ANY (drawn) THEN
        no := no || jsonb_build_object('code', 'PREREQUISITE_MISSING', 'programme', prog.requires);
    END IF;
    IF prog.one_per_household AND home.number <> '' AND EXISTS (
        SELECT FROM beneficiaries_recipient r WHERE r.run_id = last_run AND r.household_number = home.number
            AND r.programmes ? prog.code AND r.person_id <> ALL (held)) THEN
        no := no || jsonb_build_object('code', 'DUP_HOUSEHOLD');
    END IF;
    IF jsonb_array_length(prog.areas) > 0 AND NOT prog.areas ?| string_to_array(v.area_path, '.') THEN
        no := no || jsonb_build_object('code', 'OUT_OF_AREA');
    END IF;
    SELECT s.score INTO score FROM assessment_score s WHERE s.household_id = home.id AND s.superseded_at IS NULL
    ORDER BY s.score_date DESC, s.id DESC LIMIT 1;
    SELECT json_build_object(
        'person', v.person_id, 'score', score,
        'household', (SELECT json_build_object('area_path', c.area_path, 'survey_date', c.valid_from, 'consent', c.consent, 'facts', c.facts)
            FROM registry_householdversion c WHERE c.household_id = home.id AND c.superseded_at IS NULL
                AND c.valid_from <= p_day AND (c.valid_to IS NULL OR c.valid_to > p_day)
            ORDER BY c.recorded_at DESC, c.id DESC LIMIT 1),
        'alone', json_build_object('person_id', v.person_id, 'line_no', 1, 'relation', '', 'is_present', true, 'sex', v.sex,
            'marital', v.marital, 'birth_year', v.birth_year, 'birth_month', v.birth_month, 'birth_day', v.birth_day,
            'survey_date', v.valid_from, 'facts', v.facts),
        'members', (SELECT coalesce(json_agg(json_build_object(
                'person_id', CASE WHEN m.person_id = ANY (held) THEN v.person_id ELSE m.person_id END, 'line_no', m.line_no,
                'relation', m.relation, 'is_present', m.is_present, 'sex', n.sex, 'marital', n.marital, 'birth_year', n.birth_year,
                'birth_month', n.birth_month, 'birth_day', n.birth_day, 'survey_date', n.valid_from, 'facts', n.facts)
                ORDER BY m.line_no), '[]')
            FROM registry_membership m JOIN registry_personversion n ON n.person_id = m.person_id AND n.superseded_at IS NULL
                AND n.valid_from <= p_day AND (n.valid_to IS NULL OR n.valid_to > p_day)
            WHERE m.household_id = home.id AND m.is_member AND m.superseded_at IS NULL
                AND m.valid_from <= p_day AND (m.valid_to IS NULL OR m.valid_to > p_day)))
    INTO told;
    RETURN QUERY SELECT 'OK', no::json, lacks::json,
        json_build_object('eligibility', prog.eligibility, 'poverty_targeted', prog.poverty_targeted, 'fields', json_build_object(
            'code', prog.code, 'name', prog.name, 'agency', prog.agency, 'sex', prog.sex, 'min_age', prog.min_age, 'max_age', prog.max_age,
            'min_age_female', prog.min_age_female, 'max_score', prog.max_score::text, 'valid_from', prog.valid_from,
            'valid_to', prog.valid_to, 'source', prog.source)),
        told, json_build_object('area_path', v.area_path, 'persons', to_json(who), 'run', last_run);
END $$;

CREATE FUNCTION khana_private.beneficiaries_keep_answer(
    p_token text, p_tokens bytea[], p_programme text, p_answer text, p_reasons jsonb, p_whose jsonb, p_at timestamptz)
RETURNS bigint LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    prog programmes_programme;
    kept bigint;
BEGIN
    IF p_token IS NOT NULL THEN
        PERFORM set_config('khana.token', p_token, true);
    END IF;
    IF NOT khana_private.access_has('enrolments.ask') THEN
        RAISE EXCEPTION 'not permitted' USING ERRCODE = 'KH403', DETAIL = 'enrolments.ask';
    END IF;
    SELECT p.* INTO prog FROM programmes_programme p WHERE p.code = p_programme;
    INSERT INTO beneficiaries_answer (programme, agency, area_path, id_token, answer, reasons, run_id, agreement, actor_id, asked_at)
    VALUES (prog.code, prog.agency, p_whose->>'area_path', p_tokens[1], p_answer, p_reasons, (p_whose->>'run')::bigint,
            left(coalesce(current_setting('khana.mandate', true), ''), 99), khana_private.access_actor(), p_at) RETURNING id INTO kept;
    PERFORM khana_private.audit_record('beneficiaries.enrolment.asked', 'answer:' || kept,
        jsonb_build_object('programme', prog.code, 'answer', p_answer, 'persons', p_whose->'persons'), p_at);
    RETURN kept;
END $$;
REVOKE ALL ON FUNCTION khana_private.beneficiaries_ask(text, bytea[], text, integer, date, timestamptz),
    khana_private.beneficiaries_keep_answer(text, bytea[], text, text, jsonb, jsonb, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION khana_private.beneficiaries_ask(text, bytea[], text, integer, date, timestamptz),
    khana_private.beneficiaries_keep_answer(text, bytea[], text, text, jsonb, jsonb, timestamptz) TO khana_web, khana_worker;
