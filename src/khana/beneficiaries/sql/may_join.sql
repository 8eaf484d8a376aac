-- "May this number join that programme?" in one statement: yes, no with reasons, or unknown with what is missing.
-- A definer, because who asks sees one programme, and the cap and the exclusions are about all of them: it says which
-- rule speaks, never what else the person draws. It answers only where the asker's grant reaches the programme and the
-- person's area; who is not there and who is not hers to ask about are one and the same answer. Every answer is kept.
CREATE OR REPLACE FUNCTION khana_private.beneficiaries_may_join(
    p_token text, p_tokens bytea[], p_programme text, p_cap integer, p_poor numeric, p_day date, p_at timestamptz)
RETURNS TABLE (outcome text, answer text, reasons json, answer_id bigint)
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
    agency_ok boolean;
    age integer;
    youngest integer;
    line numeric;
    score numeric;
    no jsonb := '[]';
    missing jsonb := '[]';
    said text;
    kept bigint;
    here text := '';
BEGIN
    IF p_token IS NOT NULL THEN
        PERFORM set_config('khana.token', p_token, true);
    END IF;
    IF khana_private.access_actor() IS NULL THEN
        RETURN QUERY SELECT 'NOBODY', NULL::text, NULL::json, NULL::bigint;
        RETURN;
    END IF;
    SELECT p.* INTO prog FROM programmes_programme p WHERE p.code = p_programme;
    IF NOT khana_private.access_has(may) THEN
        RETURN QUERY SELECT 'FORBIDDEN', NULL::text, NULL::json, NULL::bigint;
        RETURN;
    END IF;
    IF prog.code IS NULL THEN
        RETURN QUERY SELECT 'NO_PROGRAMME', NULL::text, NULL::json, NULL::bigint;
        RETURN;
    END IF;
    is_all := khana_private.access_everything(may);
    agency_ok := is_all OR cardinality(khana_private.access_open_area_paths(may)) > 0
        OR EXISTS (SELECT FROM unnest(khana_private.access_agency_areas(may)) g WHERE g ^@ (prog.agency || chr(31)))
        OR EXISTS (SELECT FROM unnest(khana_private.access_programme_areas(may)) g
                   WHERE g ^@ (prog.agency || chr(31) || prog.code || chr(31)));
    IF NOT agency_ok THEN
        RETURN QUERY SELECT 'OUTSIDE', NULL::text, NULL::json, NULL::bigint;
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
        missing := jsonb_build_array(jsonb_build_object('code',
            CASE WHEN cardinality(who) > 1 AND is_all THEN 'NUMBER_DISPUTED' ELSE 'NOT_FOUND_IN_SCOPE' END));
    ELSE
        here := v.area_path;
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
            WHERE r.run_id = last_run AND r.id_token = ANY (held_tokens)
            UNION
            SELECT e.programme FROM beneficiaries_enrolment e
            WHERE e.id_token = ANY (held_tokens) AND e.state IN ('SELECTED', 'NOTIFIED', 'ENROLLED', 'SUSPENDED')) d
        WHERE NOT EXISTS (SELECT FROM beneficiaries_enrolment e WHERE e.programme = d.c AND e.id_token = ANY (held_tokens)
            AND e.state IN ('EXITED', 'GRADUATED', 'DECLINED') AND e.changed_by = 'HUMAN');
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
        IF prog.sex <> '' AND v.sex = '' THEN
            missing := missing || jsonb_build_object('code', 'MISSING', 'fact', 'sex');
        ELSIF prog.sex <> '' AND v.sex <> prog.sex THEN
            no := no || jsonb_build_object('code', 'SEX_NOT_MEANT');
        END IF;
        IF prog.min_age IS NOT NULL OR prog.max_age IS NOT NULL OR prog.min_age_female IS NOT NULL THEN
            IF v.birth_year IS NULL THEN
                missing := missing || jsonb_build_object('code', 'MISSING', 'fact', 'birth_date');
            ELSE
                age := extract(year FROM p_day) - v.birth_year - CASE WHEN coalesce(v.birth_month, 1) * 100
                    + coalesce(v.birth_day, 1) > extract(month FROM p_day) * 100 + extract(day FROM p_day) THEN 1 ELSE 0 END;
                youngest := CASE WHEN v.sex = 'F' THEN coalesce(prog.min_age_female, prog.min_age, 0) ELSE coalesce(prog.min_age, 0) END;
                IF age < youngest OR age > coalesce(prog.max_age, 999) THEN
                    no := no || jsonb_build_object('code', 'AGE_OUT_OF_RANGE');
                END IF;
            END IF;
        END IF;
        line := coalesce(prog.max_score, CASE WHEN prog.poverty_targeted THEN p_poor END);
        IF line IS NOT NULL THEN
            SELECT s.score INTO score FROM assessment_score s WHERE s.household_id = home.id AND s.superseded_at IS NULL
            ORDER BY s.score_date DESC, s.id DESC LIMIT 1;
            IF score IS NULL THEN
                missing := missing || jsonb_build_object('code', 'MISSING', 'fact', 'score');
            ELSIF score > line THEN
                no := no || jsonb_build_object('code', 'SCORE_ABOVE_CUT_OFF');
            END IF;
        END IF;
    END IF;
    said := CASE WHEN jsonb_array_length(no) > 0 THEN 'NO' WHEN jsonb_array_length(missing) > 0 THEN 'UNKNOWN' ELSE 'YES' END;
    no := no || missing;
    INSERT INTO beneficiaries_answer (programme, agency, area_path, id_token, answer, reasons, run_id, agreement, actor_id, asked_at)
    VALUES (prog.code, prog.agency, here, p_tokens[1], said, no, last_run, left(coalesce(current_setting('khana.mandate', true), ''), 99),
            khana_private.access_actor(), p_at) RETURNING id INTO kept;
    PERFORM khana_private.audit_record('beneficiaries.enrolment.asked', 'answer:' || kept,
        jsonb_build_object('programme', prog.code, 'answer', said, 'persons', to_jsonb(coalesce(CASE WHEN here <> '' THEN who END, '{}'))),
        p_at);
    RETURN QUERY SELECT 'OK', said, no::json, kept;
END $$;
REVOKE ALL ON FUNCTION khana_private.beneficiaries_may_join(text, bytea[], text, integer, numeric, date, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION khana_private.beneficiaries_may_join(text, bytea[], text, integer, numeric, date, timestamptz)
TO khana_web, khana_worker;
