-- Her own file once more: what hangs on files that were merged into hers is hers, the score is the one that counts
-- (decision 0017), payments are what the lists say of her numbers, and her cases stand with their state.

CREATE OR REPLACE FUNCTION khana_private.citizen_start(p_tokens bytea[], p_code_hash bytea, p_at timestamptz)
RETURNS bytea LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    who bigint[];
    files bigint[];
    mobile bytea;
BEGIN
    SELECT array_agg(DISTINCT khana_private.registry_current(i.person_id)) INTO who FROM public.registry_identifier i
    WHERE i.token = ANY (p_tokens) AND i.retired_at IS NULL AND i.status <> 'DISPUTED';
    IF coalesce(array_length(who, 1), 0) <> 1 THEN
        RETURN NULL;
    END IF;
    IF (SELECT count(*) FROM public.sharing_citizencode c
        WHERE c.person_id = who[1] AND c.sent_at > p_at - interval '1 hour') >= 3 THEN
        RETURN NULL;
    END IF;
    files := ARRAY(SELECT khana_private.registry_files_of(who[1]));
    SELECT v.mobile_ciphertext INTO mobile FROM public.registry_personversion v
    WHERE v.person_id = ANY (files) AND v.valid_to IS NULL AND v.superseded_at IS NULL AND v.mobile_ciphertext IS NOT NULL
    ORDER BY v.person_id = who[1] DESC, v.recorded_at DESC, v.id DESC LIMIT 1;
    IF mobile IS NULL THEN
        SELECT v.mobile_ciphertext INTO mobile
        FROM public.registry_membership m JOIN public.registry_householdversion v ON v.household_id = m.household_id
        WHERE m.person_id = ANY (files) AND m.valid_to IS NULL AND m.superseded_at IS NULL
          AND v.valid_to IS NULL AND v.superseded_at IS NULL AND v.mobile_ciphertext IS NOT NULL
        ORDER BY v.recorded_at DESC, v.id DESC LIMIT 1;
    END IF;
    IF mobile IS NULL THEN
        RETURN NULL;
    END IF;
    DELETE FROM public.sharing_citizencode c WHERE c.person_id = who[1] AND c.sent_at < p_at - interval '1 day';
    INSERT INTO public.sharing_citizencode (token, person_id, code_hash, sent_at, expires_at, tries)
    VALUES (p_tokens[1], who[1], p_code_hash, p_at, p_at + interval '15 minutes', 0);
    PERFORM khana_private.audit_write(NULL, 'sharing.citizen_code_sent', 'person:' || who[1], '{}', p_at);
    RETURN mobile;
END $$;

-- The score that counts for one household on a day: a confirmed override, else the model in force, else what arrived.
CREATE FUNCTION khana_private.citizen_score(p_household bigint, p_on date)
RETURNS TABLE (score numeric, day date) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT s.score, s.day FROM (
        SELECT o.score, 1 AS rank, o.proposed_at::date AS day, o.id FROM public.assessment_override o
        WHERE o.household_id = p_household AND o.confirmed_at IS NOT NULL AND (o.ends_on IS NULL OR o.ends_on > p_on)
        UNION ALL
        SELECT c.score, 2, c.score_date, c.id FROM public.assessment_score c
        WHERE c.household_id = p_household AND c.superseded_at IS NULL AND c.model_id = (
            SELECT a.model_id FROM public.assessment_activation a
            WHERE a.confirmed_at IS NOT NULL AND a.effective_from <= p_on AND (a.effective_to IS NULL OR a.effective_to > p_on)
            ORDER BY a.effective_from DESC, a.confirmed_at DESC LIMIT 1)
        UNION ALL
        SELECT c.score, 3, c.score_date, c.id FROM public.assessment_score c
        WHERE c.household_id = p_household AND c.superseded_at IS NULL AND c.model_id IS NULL) s
    ORDER BY s.rank, s.day DESC, s.id DESC LIMIT 1
$$;

-- What is open or was decided about her: corrections, appeals, notices of a stop, objections; newest first.
CREATE FUNCTION khana_private.citizen_cases(p_files bigint[], p_tokens bytea[], p_household text) RETURNS json
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(json_agg(c ORDER BY c.at DESC), '[]'::json) FROM (
        SELECT 'CORRECTION' AS kind, g.about, g.state, g.lodged_at AS at, g.due_on AS due, g.answered_at AS decided_at, g.outcome
        FROM public.grievances_case g WHERE g.person_id = ANY (p_files)
        UNION ALL
        SELECT 'APPEAL', f.filter_code, f.state, f.lodged_at, NULL, f.decided_at, ''
        FROM public.programmes_filterappeal f
        WHERE f.person_id = ANY (p_files) OR (f.person_id IS NULL AND f.household_number = p_household AND p_household <> '')
        UNION ALL
        SELECT 'STOP', s.programme, s.state, s.state_at, s.appeal_until,
               CASE WHEN s.state IN ('UPHELD', 'ALLOWED', 'EFFECTIVE') THEN s.state_at END, ''
        FROM public.beneficiaries_stop s
        WHERE (s.person_id = ANY (p_files) OR s.id_token = ANY (p_tokens)) AND s.state NOT IN ('PROPOSED', 'WITHDRAWN')
        UNION ALL
        SELECT 'OBJECTION', r.kind, CASE WHEN r.ended_at IS NULL THEN 'IN_FORCE' ELSE 'ENDED' END, r.told_at, NULL, r.ended_at, ''
        FROM public.sharing_refusal r WHERE r.person_id = ANY (p_files)
        ORDER BY 4 DESC LIMIT 100) c
$$;

CREATE OR REPLACE FUNCTION khana_private.citizen_file(p_tokens bytea[], p_code_hash bytea, p_at timestamptz) RETURNS json
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    who bigint := khana_private.citizen_who(p_tokens, p_code_hash, p_at);
    files bigint[];
    held bytea[];
    home public.registry_household;
    made json;
BEGIN
    IF who IS NULL THEN
        RETURN NULL;
    END IF;
    files := ARRAY(SELECT khana_private.registry_files_of(who));
    -- a number that she claims and somebody else holds says nothing about her
    held := ARRAY(SELECT DISTINCT i.token FROM public.registry_identifier i
                  WHERE i.person_id = ANY (files) AND i.retired_at IS NULL AND i.status <> 'DISPUTED');
    SELECT h.* INTO home FROM public.registry_membership m JOIN public.registry_household h ON h.id = m.household_id
    WHERE m.person_id = ANY (files) AND m.valid_to IS NULL AND m.superseded_at IS NULL
    ORDER BY m.person_id = who DESC, m.id DESC LIMIT 1;
    SELECT json_build_object(
        'person', who,
        'name', v.name, 'name_native', v.name_native, 'area_path', v.area_path, 'recorded_at', v.recorded_at,
        'household', (SELECT json_build_object('number', home.number, 'size',
                (SELECT count(*) FROM public.registry_membership z WHERE z.household_id = home.id AND z.is_member
                   AND z.valid_to IS NULL AND z.superseded_at IS NULL), 'score', s.score, 'score_date', s.day)
            FROM (SELECT 1) AS one LEFT JOIN khana_private.citizen_score(home.id, p_at::date) s ON true
            WHERE home.id IS NOT NULL),
        'programmes', (SELECT coalesce(json_agg(d ORDER BY d.period_end DESC NULLS LAST, d.programme), '[]'::json) FROM (
                SELECT b.programme, b.agency, b.period, b.period_end, b.amount::text AS amount,
                    CASE WHEN b.facts ->> 'payment_date' ~ '^\d{4}-\d{2}-\d{2}' THEN left(b.facts ->> 'payment_date', 10) END AS paid_on,
                    NOT coalesce(b.id_token = ANY (held), false) AS for_another
                FROM public.beneficiaries_benefit b WHERE b.id_token = ANY (held) OR b.payee_id_token = ANY (held)
                ORDER BY b.period_end DESC NULLS LAST, b.id LIMIT 50) d),
        'cases', khana_private.citizen_cases(files, held, coalesce(home.number, '')),
        'readers', (SELECT coalesce(json_agg(e ORDER BY e.at DESC), '[]'::json) FROM (
                SELECT e.at, e.action, e.purpose, e.agreement, coalesce(p.name, '') AS partner
                FROM public.audit_event e LEFT JOIN public.sharing_partner p ON p.user_id = e.actor_id
                WHERE e.subject IN (SELECT 'person:' || f FROM unnest(files) f) AND e.action NOT LIKE 'sharing.citizen%'
                ORDER BY e.at DESC LIMIT 200) e),
        'extracts', (SELECT coalesce(json_agg(x ORDER BY x.at DESC), '[]'::json) FROM (
                SELECT DISTINCT t.number, t.delivered_at AS at, a.purpose, q.name AS partner
                FROM public.sharing_extractperson o JOIN public.sharing_extract t ON t.number = o.extract_number
                JOIN public.sharing_agreement a ON a.id = t.agreement_id JOIN public.sharing_partner q ON q.id = a.partner_id
                WHERE o.person_id = ANY (files) AND t.delivered_at IS NOT NULL LIMIT 200) x),
        'refusals', (SELECT coalesce(json_agg(DISTINCT r.kind), '[]'::json) FROM public.sharing_refusal r
                WHERE r.person_id = ANY (files) AND r.ended_at IS NULL))
    INTO made
    FROM (SELECT v.* FROM public.registry_personversion v WHERE v.person_id = who AND v.valid_to IS NULL
            AND v.superseded_at IS NULL ORDER BY v.recorded_at DESC, v.id DESC LIMIT 1) v;
    PERFORM khana_private.audit_write(NULL, 'sharing.citizen_read', 'person:' || who, '{}', p_at);
    RETURN coalesce(made, json_build_object('person', who));
END $$;

-- She says that something is wrong: one open case for each thing, with the day by which she has an answer.
CREATE FUNCTION khana_private.citizen_correct(
    p_tokens bytea[], p_code_hash bytea, p_about text, p_due date, p_at timestamptz)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    who bigint := khana_private.citizen_who(p_tokens, p_code_hash, p_at);
    made bigint;
BEGIN
    IF who IS NULL OR p_about NOT IN ('NAME', 'BIRTH', 'HOUSEHOLD', 'ADDRESS', 'SCORE', 'PAYMENT', 'OTHER') THEN
        RETURN false;
    END IF;
    INSERT INTO public.grievances_case (person_id, area_path, about, state, outcome, lodged_by, lodged_at, due_on, note)
    SELECT who, p.area_path, p_about, 'OPEN', '', 'CITIZEN', p_at, p_due, '' FROM public.registry_person p
    WHERE p.id = who AND NOT EXISTS (SELECT FROM public.grievances_case g
        WHERE g.person_id = who AND g.about = p_about AND g.state = 'OPEN')
    ON CONFLICT DO NOTHING RETURNING id INTO made;
    IF made IS NOT NULL THEN
        PERFORM khana_private.audit_write(NULL, 'sharing.citizen_said', 'person:' || who,
            jsonb_build_object('what', 'CORRECTION', 'about', p_about, 'case', made), p_at);
    END IF;
    RETURN true;
END $$;

REVOKE ALL ON FUNCTION khana_private.citizen_score(bigint, date), khana_private.citizen_cases(bigint[], bytea[], text),
    khana_private.citizen_correct(bytea[], bytea, text, date, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION khana_private.citizen_correct(bytea[], bytea, text, date, timestamptz) TO khana_web, khana_worker;
