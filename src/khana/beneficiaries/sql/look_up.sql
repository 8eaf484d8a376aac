-- Who holds a number, and what it draws, in one statement: token, reads, event. A desk waits for it.
-- Not a definer: row security holds every read to the scope of the token, which is set for this
-- transaction only. Without a token the one of the open scope stays. Says NOBODY where there is no
-- live session and FORBIDDEN where the reader may read no person anywhere. Planned once a connection:
-- lists of numbers are short, whatever the planner fears.
CREATE OR REPLACE FUNCTION khana_private.beneficiaries_look_up(
    p_token text, p_tokens bytea[], p_as_of date, p_known timestamptz, p_at timestamptz)
RETURNS TABLE (outcome text, persons json, drawn json)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER SET search_path = pg_catalog, public, pg_temp
SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    who bigint[];
    found_persons json;
    found_rows json;
    held bigint[];
    held_tokens bytea[] := p_tokens;
BEGIN
    IF p_token IS NOT NULL THEN
        PERFORM set_config('khana.token', p_token, true);
    END IF;
    SELECT array_agg(DISTINCT i.person_id) INTO who
    FROM registry_identifier i
    WHERE i.token = ANY (p_tokens) AND i.recorded_at <= p_known AND (i.retired_at IS NULL OR i.retired_at > p_known);
    -- most files were never merged: one question spares them the walks along chains of merges
    IF who IS NOT NULL AND EXISTS (SELECT FROM registry_alias a WHERE a.person_id = ANY (who) OR a.current_id = ANY (who)) THEN
        SELECT array_agg(DISTINCT khana_private.registry_current(w, p_known)) INTO who FROM unnest(who) w;
        SELECT array_agg(DISTINCT f) INTO held FROM unnest(who) w, khana_private.registry_files_of(w, p_known) f;
    ELSE
        held := who;
    END IF;
    IF who IS NULL AND NOT khana_private.access_has('registry.read') THEN
        RETURN QUERY SELECT CASE WHEN khana_private.access_actor() IS NULL THEN 'NOBODY' ELSE 'FORBIDDEN' END,
            '[]'::json, '[]'::json;
        RETURN;
    END IF;
    IF who IS NOT NULL THEN
        -- what hangs on a file that was merged into hers is found from hers
        IF cardinality(held) > cardinality(who) THEN
            SELECT p_tokens || coalesce(array_agg(DISTINCT n.token), '{}') INTO held_tokens
            FROM registry_identifier n WHERE n.person_id = ANY (held) AND n.retired_at IS NULL;
        END IF;
        SELECT json_agg(json_build_object('person', v.person_id, 'area_path', v.area_path, 'name', v.name,
            'name_native', v.name_native, 'guardian_name', v.guardian_name, 'sex', v.sex, 'birth_year', v.birth_year,
            'birth_month', v.birth_month, 'birth_day', v.birth_day, 'marital', v.marital,
            'identifiers', (
                SELECT coalesce(json_agg(json_build_object('type', n.type, 'status', n.status,
                    'ciphertext', encode(n.ciphertext, 'hex')) ORDER BY n.id), '[]'::json)
                FROM registry_identifier n
                WHERE n.person_id = ANY (hers.files) AND n.recorded_at <= p_known
                    AND (n.retired_at IS NULL OR n.retired_at > p_known)),
            'households', (
                SELECT coalesce(json_agg(json_build_object('household', h.number, 'line_no', m.line_no,
                    'relation', m.relation, 'is_member', m.is_member) ORDER BY m.id), '[]'::json)
                FROM registry_membership m JOIN registry_household h ON h.id = m.household_id
                WHERE m.person_id = ANY (hers.files) AND m.valid_from <= p_as_of
                    AND (m.valid_to IS NULL OR m.valid_to > p_as_of) AND m.recorded_at <= p_known
                    AND (m.superseded_at IS NULL OR m.superseded_at > p_known))) ORDER BY v.person_id)
        INTO found_persons
        FROM (SELECT DISTINCT ON (v.person_id) v.* FROM registry_personversion v
              WHERE v.person_id = ANY (who) AND v.valid_from <= p_as_of AND (v.valid_to IS NULL OR v.valid_to > p_as_of)
                  AND v.recorded_at <= p_known AND (v.superseded_at IS NULL OR v.superseded_at > p_known)
              ORDER BY v.person_id, v.recorded_at DESC, v.id DESC) v,
            LATERAL (SELECT CASE WHEN cardinality(held) = cardinality(who) THEN ARRAY[v.person_id]
                ELSE ARRAY(SELECT khana_private.registry_files_of(v.person_id, p_known)) END AS files) hers;
    END IF;
    SELECT json_agg(row_to_json(b)) INTO found_rows FROM (
        SELECT b.programme, b.source_code AS source, b.agency, b.period, b.period_end, b.amount::text AS amount,
            coalesce(b.id_token = ANY (held_tokens), false) AS is_beneficiary,
            coalesce(b.payee_id_token, b.id_token) = ANY (held_tokens) AS is_payee
        FROM beneficiaries_benefit b
        WHERE b.id_token = ANY (held_tokens) OR b.payee_id_token = ANY (held_tokens)
        ORDER BY b.period_end DESC NULLS LAST, b.programme, b.id LIMIT 100) b;
    PERFORM khana_private.audit_record('beneficiaries.number.looked_up',
        'person:' || coalesce(who[1]::text, 'none'),
        jsonb_build_object('persons', to_jsonb(coalesce(who, '{}')), 'rows', coalesce(json_array_length(found_rows), 0)),
        p_at);
    RETURN QUERY SELECT 'OK', coalesce(found_persons, '[]'::json), coalesce(found_rows, '[]'::json);
END $$;
REVOKE ALL ON FUNCTION khana_private.beneficiaries_look_up(text, bytea[], date, timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION khana_private.beneficiaries_look_up(text, bytea[], date, timestamptz, timestamptz)
TO khana_web, khana_worker;
