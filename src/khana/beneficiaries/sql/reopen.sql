-- When a source sends a list again, decisions that rested on rows which it changed are opened again, whoever's they
-- are: a stop rests on everything that a person draws, also from other agencies. Nothing is undone here; a person looks.
CREATE OR REPLACE FUNCTION khana_private.beneficiaries_reopen(p_replaced bigint, p_batch bigint, p_source text, p_at timestamptz)
RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    opened integer;
BEGIN
    IF NOT khana_private.access_has('benefits.write') THEN
        RAISE EXCEPTION 'not permitted' USING ERRCODE = 'KH403', DETAIL = 'benefits.write';
    END IF;
    WITH before_rows AS (
        SELECT DISTINCT t.token, b.programme, b.period, b.amount, b.facts
        FROM beneficiaries_benefit b, unnest(ARRAY[b.id_token, b.payee_id_token]) t(token)
        WHERE b.batch_id = p_replaced AND t.token IS NOT NULL
    ), after_rows AS (
        SELECT DISTINCT t.token, b.programme, b.period, b.amount, b.facts
        FROM beneficiaries_benefit b, unnest(ARRAY[b.id_token, b.payee_id_token]) t(token)
        WHERE b.batch_id = p_batch AND t.token IS NOT NULL
    ), told AS (
        SELECT coalesce(x.token, y.token) AS token,
            min(CASE WHEN y.token IS NULL THEN 1 WHEN x.token IS NULL THEN 2 ELSE 3 END) AS how
        FROM before_rows x FULL JOIN after_rows y ON y.token = x.token AND y.programme = x.programme AND y.period = x.period
        WHERE x.token IS NULL OR y.token IS NULL OR x.amount IS DISTINCT FROM y.amount OR x.facts IS DISTINCT FROM y.facts
        GROUP BY 1
    ), person AS (
        -- with every file that was merged with hers; most never were
        SELECT DISTINCT f.person_id, t.how FROM told t JOIN registry_identifier i ON i.token = t.token AND i.retired_at IS NULL,
            LATERAL (SELECT i.person_id UNION
                SELECT khana_private.registry_files_of(khana_private.registry_current(i.person_id)) WHERE EXISTS (
                    SELECT FROM registry_alias a WHERE i.person_id IN (a.person_id, a.current_id) AND a.valid_from IS NOT NULL)) f
    ), decision AS (
        SELECT 'stop' AS subject, s.id, s.programme, s.agency, s.area_path, t.how FROM told t JOIN beneficiaries_stop s ON s.id_token = t.token
        WHERE s.state IN ('NOTIFIED', 'APPEALED', 'UPHELD', 'EFFECTIVE')
        UNION
        SELECT 'stop', s.id, s.programme, s.agency, s.area_path, p.how FROM person p JOIN beneficiaries_stop s ON s.person_id = p.person_id
        WHERE s.state IN ('NOTIFIED', 'APPEALED', 'UPHELD', 'EFFECTIVE')
        UNION
        SELECT 'enrolment', e.id, e.programme, e.agency, e.area_path, t.how FROM told t JOIN beneficiaries_enrolment e ON e.id_token = t.token
        WHERE e.batch_id = p_replaced AND e.state = 'SUSPENDED' AND e.changed_by = 'RUN'
        UNION
        SELECT 'answer', a.id, a.programme, a.agency, a.area_path, t.how FROM told t JOIN beneficiaries_answer a ON a.id_token = t.token
        WHERE a.answer <> 'YES' AND a.area_path <> ''
    )
    INSERT INTO beneficiaries_reopened (subject, subject_id, programme, agency, area_path, source_code, replaced_batch_id, batch_id,
                                        what, state, opened_at)
    SELECT d.subject, d.id, d.programme, d.agency, d.area_path, p_source, p_replaced, p_batch,
           CASE min(d.how) WHEN 1 THEN 'GONE' WHEN 2 THEN 'NEW' ELSE 'CHANGED' END, 'OPEN', p_at
    FROM decision d GROUP BY d.subject, d.id, d.programme, d.agency, d.area_path
    ON CONFLICT (subject, subject_id, batch_id) DO NOTHING;
    GET DIAGNOSTICS opened = ROW_COUNT;
    PERFORM khana_private.audit_record('beneficiaries.decisions.reopened', 'batch:' || p_batch,
        jsonb_build_object('replaces', p_replaced, 'decisions', opened), p_at);
    RETURN opened;
END $$;
REVOKE ALL ON FUNCTION khana_private.beneficiaries_reopen(bigint, bigint, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION khana_private.beneficiaries_reopen(bigint, bigint, text, timestamptz) TO khana_web, khana_worker;
