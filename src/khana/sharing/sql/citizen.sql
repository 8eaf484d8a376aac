-- What a person may do with her own file: her number and a one-time code stand for a session. Definer functions, for
-- the web role only; nothing here takes an id of a person from outside.

-- Write a code down for whoever shows the number, and return the ciphertext of her telephone; nothing where nobody
-- does, several do, or three codes went out in this hour. The caller says the same in every case.
CREATE FUNCTION khana_private.citizen_start(p_tokens bytea[], p_code_hash bytea, p_at timestamptz)
RETURNS bytea LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    who bigint[];
    mobile bytea;
BEGIN
    SELECT array_agg(DISTINCT coalesce(a.current_id, i.person_id)) INTO who
    FROM public.registry_identifier i LEFT JOIN public.registry_alias a ON a.person_id = i.person_id AND a.valid_to IS NULL
    WHERE i.token = ANY (p_tokens) AND i.retired_at IS NULL AND i.status <> 'DISPUTED';
    IF coalesce(array_length(who, 1), 0) <> 1 THEN
        RETURN NULL;
    END IF;
    IF (SELECT count(*) FROM public.sharing_citizencode c
        WHERE c.person_id = who[1] AND c.sent_at > p_at - interval '1 hour') >= 3 THEN
        RETURN NULL;
    END IF;
    SELECT v.mobile_ciphertext INTO mobile FROM public.registry_personversion v
    WHERE v.person_id = who[1] AND v.valid_to IS NULL AND v.superseded_at IS NULL
    ORDER BY v.recorded_at DESC, v.id DESC LIMIT 1;
    IF mobile IS NULL THEN
        SELECT v.mobile_ciphertext INTO mobile
        FROM public.registry_membership m JOIN public.registry_householdversion v ON v.household_id = m.household_id
        WHERE m.person_id = who[1] AND m.valid_to IS NULL AND m.superseded_at IS NULL
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

-- The person behind a number and a code; five wrong codes end it. Does not raise: a wrong try must be counted.
CREATE FUNCTION khana_private.citizen_who(p_tokens bytea[], p_code_hash bytea, p_at timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found public.sharing_citizencode;
BEGIN
    SELECT c.* INTO found FROM public.sharing_citizencode c
    WHERE c.token = ANY (p_tokens) AND c.expires_at > p_at AND c.tries < 5 ORDER BY c.id DESC LIMIT 1 FOR UPDATE;
    IF found.id IS NULL THEN
        RETURN NULL;
    END IF;
    IF found.code_hash <> p_code_hash THEN
        UPDATE public.sharing_citizencode SET tries = tries + 1 WHERE id = found.id;
        RETURN NULL;
    END IF;
    UPDATE public.sharing_citizencode SET used_at = coalesce(used_at, p_at) WHERE id = found.id;
    RETURN found.person_id;
END $$;

-- Her own file in short, who read it and what left of it.
CREATE FUNCTION khana_private.citizen_file(p_tokens bytea[], p_code_hash bytea, p_at timestamptz) RETURNS json
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    who bigint := khana_private.citizen_who(p_tokens, p_code_hash, p_at);
    made json;
BEGIN
    IF who IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT json_build_object(
        'person', who,
        'name', v.name, 'name_native', v.name_native, 'area_path', v.area_path, 'recorded_at', v.recorded_at,
        'household', (SELECT json_build_object('number', h.number, 'size',
                (SELECT count(*) FROM public.registry_membership z WHERE z.household_id = h.id AND z.is_member
                   AND z.valid_to IS NULL AND z.superseded_at IS NULL),
                'score', (SELECT s.score FROM public.assessment_score s WHERE s.household_id = h.id
                   AND s.superseded_at IS NULL ORDER BY s.model_id IS NULL, s.score_date DESC, s.id DESC LIMIT 1),
                'score_date', (SELECT s.score_date FROM public.assessment_score s WHERE s.household_id = h.id
                   AND s.superseded_at IS NULL ORDER BY s.model_id IS NULL, s.score_date DESC, s.id DESC LIMIT 1))
            FROM public.registry_membership m JOIN public.registry_household h ON h.id = m.household_id
            WHERE m.person_id = who AND m.valid_to IS NULL AND m.superseded_at IS NULL ORDER BY m.id DESC LIMIT 1),
        'programmes', (SELECT coalesce(json_agg(d ORDER BY d.period_end DESC NULLS LAST, d.programme), '[]'::json) FROM (
                SELECT b.programme, b.agency, b.period, b.period_end, b.amount::text AS amount
                FROM public.beneficiaries_benefit b JOIN public.registry_identifier i ON i.token = b.id_token
                WHERE i.person_id = who AND i.retired_at IS NULL ORDER BY b.period_end DESC NULLS LAST, b.id LIMIT 50) d),
        'readers', (SELECT coalesce(json_agg(e ORDER BY e.at DESC), '[]'::json) FROM (
                SELECT e.at, e.action, e.purpose, e.agreement, coalesce(p.name, '') AS partner
                FROM public.audit_event e LEFT JOIN public.sharing_partner p ON p.user_id = e.actor_id
                WHERE e.subject = 'person:' || who AND e.action NOT LIKE 'sharing.citizen%'
                ORDER BY e.at DESC LIMIT 200) e),
        'extracts', (SELECT coalesce(json_agg(x ORDER BY x.at DESC), '[]'::json) FROM (
                SELECT DISTINCT t.number, t.delivered_at AS at, a.purpose, q.name AS partner
                FROM public.sharing_extractperson o JOIN public.sharing_extract t ON t.number = o.extract_number
                JOIN public.sharing_agreement a ON a.id = t.agreement_id JOIN public.sharing_partner q ON q.id = a.partner_id
                WHERE o.person_id = who AND t.delivered_at IS NOT NULL LIMIT 200) x),
        'refusals', (SELECT coalesce(json_agg(r.kind), '[]'::json) FROM public.sharing_refusal r
                WHERE r.person_id = who AND r.ended_at IS NULL))
    INTO made
    FROM (SELECT v.* FROM public.registry_personversion v WHERE v.person_id = who AND v.valid_to IS NULL
            AND v.superseded_at IS NULL ORDER BY v.recorded_at DESC, v.id DESC LIMIT 1) v;
    PERFORM khana_private.audit_write(NULL, 'sharing.citizen_read', 'person:' || who, '{}', p_at);
    RETURN coalesce(made, json_build_object('person', who));
END $$;

-- She objects, takes consent back, or ends either; asks for a correction.
CREATE FUNCTION khana_private.citizen_say(p_tokens bytea[], p_code_hash bytea, p_what text, p_at timestamptz)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    who bigint := khana_private.citizen_who(p_tokens, p_code_hash, p_at);
BEGIN
    IF who IS NULL OR p_what NOT IN ('OBJECTION', 'CONSENT_WITHDRAWN', 'END', 'CORRECTION') THEN
        RETURN false;
    END IF;
    IF p_what IN ('OBJECTION', 'CONSENT_WITHDRAWN') THEN
        INSERT INTO public.sharing_refusal (person_id, area_path, kind, partner_code, told_by, told_at)
        SELECT who, p.area_path, p_what, '', 'CITIZEN', p_at FROM public.registry_person p
        WHERE p.id = who AND NOT EXISTS (SELECT FROM public.sharing_refusal r
            WHERE r.person_id = who AND r.kind = p_what AND r.partner_code = '' AND r.ended_at IS NULL);
        IF NOT EXISTS (SELECT FROM public.sharing_refusal r
                       WHERE r.person_id = who AND r.kind = p_what AND r.ended_at IS NULL) THEN
            RETURN false;
        END IF;
    ELSIF p_what = 'END' THEN
        UPDATE public.sharing_refusal SET ended_at = p_at
        WHERE person_id = who AND told_by = 'CITIZEN' AND ended_at IS NULL;
    END IF;
    PERFORM khana_private.audit_write(NULL, 'sharing.citizen_said', 'person:' || who,
                                      jsonb_build_object('what', p_what), p_at);
    RETURN true;
END $$;

REVOKE ALL ON FUNCTION khana_private.citizen_start(bytea[], bytea, timestamptz),
    khana_private.citizen_who(bytea[], bytea, timestamptz), khana_private.citizen_file(bytea[], bytea, timestamptz),
    khana_private.citizen_say(bytea[], bytea, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION khana_private.citizen_start(bytea[], bytea, timestamptz),
    khana_private.citizen_file(bytea[], bytea, timestamptz),
    khana_private.citizen_say(bytea[], bytea, text, timestamptz) TO khana_web, khana_worker;
