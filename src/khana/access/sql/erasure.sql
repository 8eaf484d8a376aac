-- What stands against the erasure of one person's file: empty where nothing does, else a code. The same for a rule and for a wish.
CREATE OR REPLACE FUNCTION khana_private.erasure_stands_against(p_person bigint, p_rule text, p_before timestamptz) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    path text;
BEGIN
    SELECT p.area_path INTO path FROM public.registry_person p WHERE p.id = p_person;
    IF path IS NULL OR NOT EXISTS (SELECT FROM public.registry_personversion v WHERE v.person_id = p_person) THEN
        RETURN 'nothing';
    ELSIF khana_private.retention_is_held(p_rule, 'area:' || path)
       OR khana_private.retention_is_held(p_rule, 'person:' || p_person) THEN
        RETURN 'held';
    ELSIF EXISTS (SELECT FROM public.identity_familycheck f WHERE f.result = 'MANUAL' AND f.decision = '' AND (f.person_id = p_person
              OR f.token IN (SELECT i.token FROM public.registry_identifier i WHERE i.person_id = p_person))) THEN
        RETURN 'family';
    ELSIF EXISTS (SELECT FROM public.registry_membership m WHERE m.person_id = p_person AND m.superseded_at IS NULL
                  AND m.is_member AND (m.valid_to IS NULL OR m.valid_to > p_before::date)) THEN
        RETURN 'member';
    ELSIF EXISTS (SELECT FROM public.registry_alias a WHERE (a.person_id = p_person OR a.current_id = p_person) AND a.valid_to IS NULL) THEN
        RETURN 'merged';
    ELSIF EXISTS (SELECT FROM public.registry_identifier i WHERE i.person_id = p_person AND (
              EXISTS (SELECT FROM public.beneficiaries_enrolment e WHERE e.id_token = i.token
                      AND (e.state NOT IN ('EXITED', 'GRADUATED', 'DECLINED') OR e.state_at > p_before))
           OR EXISTS (SELECT FROM public.beneficiaries_benefit b WHERE b.id_token = i.token
                      AND coalesce(b.period_end, now()::date) > (p_before - interval '1 year')::date))) THEN
        RETURN 'draws';
    END IF;
    RETURN '';
END $$;

-- Erase what names a person, with pairs, labels and her place in a cluster of matching; her id, which the log and decisions bear,
-- stays and leads to nobody. Returns rows by table.
CREATE OR REPLACE FUNCTION khana_private.erasure_do(p_person bigint) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    tokens bytea[] := ARRAY(SELECT i.token FROM public.registry_identifier i WHERE i.person_id = p_person);
    pairs bigint[] := ARRAY(SELECT p.id FROM public.linkage_pair p
                            WHERE (p.right_kind = 'PERSON' AND p.right_id = p_person)
                               OR (p.left_kind = 'PERSON' AND p.left_id = p_person));
    counts jsonb := '{}';
    part text;
    done bigint;
BEGIN
    UPDATE public.registry_resident r SET person_id = NULL WHERE r.person_id = p_person;  -- another register, with a rule of its own
    FOREACH part IN ARRAY ARRAY['identity_verification', 'identity_consent', 'identity_familycheck', 'identity_civilevent',
        'linkage_opening', 'linkage_clustermember', 'registry_identifier', 'registry_personversion']
    LOOP
        EXECUTE format('DELETE FROM public.%I WHERE person_id = $1', part) USING p_person;
        GET DIAGNOSTICS done = ROW_COUNT;
        counts := counts || CASE WHEN done > 0 THEN jsonb_build_object(part, done) ELSE '{}' END;
    END LOOP;
    DELETE FROM public.linkage_label l WHERE l.pair_id = ANY (pairs);
    DELETE FROM public.linkage_pair p WHERE p.id = ANY (pairs);
    GET DIAGNOSTICS done = ROW_COUNT;
    counts := counts || CASE WHEN done > 0 THEN jsonb_build_object('linkage_pair', done) ELSE '{}' END;
    DELETE FROM public.identity_familycheck f WHERE f.token = ANY (tokens);
    RETURN counts;
END $$;

-- What stands against one that waits: for who reads the list of them.
CREATE OR REPLACE FUNCTION khana_private.erasure_against(p_erasure bigint) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT khana_private.access_everything('alarms.read') THEN
        RAISE EXCEPTION 'not permitted' USING ERRCODE = 'KH403', DETAIL = 'alarms.read';
    END IF;
    RETURN (SELECT khana_private.erasure_stands_against(e.person_id, 'PERSONS', now()) FROM public.access_erasure e
            WHERE e.id = p_erasure AND e.erased_at IS NULL);
END $$;

-- A wish is carried out by somebody else than who brought it.
CREATE OR REPLACE FUNCTION khana_private.erasure_confirm(p_erasure bigint) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor bigint := khana_private.access_actor();
    one public.access_erasure;
    against text;
    done jsonb;
BEGIN
    IF NOT khana_private.access_everything('retention.run') THEN
        RAISE EXCEPTION 'not permitted' USING ERRCODE = 'KH403', DETAIL = 'retention.run';
    END IF;
    SELECT * INTO one FROM public.access_erasure e WHERE e.id = p_erasure AND e.erased_at IS NULL FOR UPDATE;
    IF one.id IS NULL THEN
        RAISE EXCEPTION 'no such erasure' USING ERRCODE = 'KH404', DETAIL = 'erasure';
    ELSIF one.asked_by = actor THEN
        RAISE EXCEPTION 'by a second person' USING ERRCODE = 'KH409', DETAIL = 'erasure.second';
    END IF;
    against := khana_private.erasure_stands_against(one.person_id, 'PERSONS', now());
    IF against <> '' THEN
        RAISE EXCEPTION 'not now' USING ERRCODE = 'KH409', DETAIL = 'erasure.' || against;
    END IF;
    done := khana_private.erasure_do(one.person_id);
    UPDATE public.access_erasure e SET confirmed_by = actor, erased_at = now(), counts = done WHERE e.id = p_erasure;
    PERFORM khana_private.audit_write(actor, 'access.file.erased', 'person:' || one.person_id,
        jsonb_build_object('rule', one.rule, 'erasure', one.id, 'rows', done), now());
    RETURN done;
END $$;

-- By rule: a step of files that are over; each is written down beside.
CREATE OR REPLACE FUNCTION khana_private.erasure_by_rule(p_before timestamptz, p_limit integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    who record;
    done jsonb;
    erased integer := 0;
BEGIN
    FOR who IN
        SELECT p.id, p.area_path FROM public.registry_person p
        WHERE p.created_at < p_before
          AND EXISTS (SELECT FROM public.registry_personversion v WHERE v.person_id = p.id)
          AND NOT EXISTS (SELECT FROM public.registry_membership m WHERE m.person_id = p.id AND m.superseded_at IS NULL
                          AND m.is_member AND (m.valid_to IS NULL OR m.valid_to > p_before::date))
          AND khana_private.erasure_stands_against(p.id, 'PERSONS', p_before) = ''
        LIMIT p_limit
    LOOP
        done := khana_private.erasure_do(who.id);
        INSERT INTO public.access_erasure (person_id, area_path, rule, reason, asked_at, erased_at, counts)
        VALUES (who.id, who.area_path, 'PERSONS', '', now(), now(), done);
        erased := erased + 1;
    END LOOP;
    RETURN erased;
END $$;

REVOKE ALL ON FUNCTION khana_private.erasure_stands_against(bigint, text, timestamptz), khana_private.erasure_do(bigint),
    khana_private.erasure_by_rule(timestamptz, integer), khana_private.erasure_confirm(bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION khana_private.erasure_against(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION khana_private.erasure_confirm(bigint), khana_private.erasure_against(bigint) TO khana_web, khana_worker;
