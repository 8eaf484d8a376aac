-- Place events of civil registration that a partner told: who is meant, in which household, and what is proposed. The
-- partner itself reads nobody; it learns nothing from this function. Definer function.
CREATE OR REPLACE FUNCTION khana_private.identity_place_events(p_message uuid, p_ids bigint[], p_at timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor bigint := khana_private.access_actor();
    whole boolean := khana_private.access_everything('registry.write');
    one public.identity_civilevent;
    who bigint[];
    others bigint[];
    home bigint;
    place text;
    told text;
    reason text;
    placed integer := 0;
BEGIN
    IF actor IS NULL THEN
        RAISE EXCEPTION 'no live session' USING ERRCODE = 'KH403', DETAIL = 'session';
    END IF;
    FOR one IN SELECT e.* FROM public.identity_civilevent e
               WHERE (e.message = p_message OR e.id = ANY (p_ids)) AND e.state IN ('RECEIVED', 'UNMATCHED', 'AMBIGUOUS')
                 AND (e.partner_user_id = actor OR whole) ORDER BY e.id FOR UPDATE
    LOOP
        reason := '';
        IF one.content_mark IS NOT NULL AND EXISTS (
            SELECT FROM public.identity_civilevent o WHERE o.source = one.source AND o.content_mark = one.content_mark
              AND o.id < one.id AND o.state NOT IN ('REPEATED', 'UNREADABLE')) THEN
            UPDATE public.identity_civilevent SET state = 'REPEATED', placed_at = p_at WHERE id = one.id;
            CONTINUE;
        END IF;
        -- a newborn is known by her parents; everybody else by herself
        SELECT array_agg(DISTINCT khana_private.registry_current(i.person_id)) INTO who
        FROM public.registry_identifier i
        WHERE i.token = CASE one.kind WHEN 'BIRTH' THEN coalesce(one.parent_token, one.second_parent_token) ELSE one.token END
          AND i.retired_at IS NULL AND i.status <> 'DISPUTED';
        SELECT array_agg(DISTINCT khana_private.registry_current(i.person_id)) INTO others
        FROM public.registry_identifier i
        WHERE i.token = CASE one.kind WHEN 'BIRTH' THEN one.second_parent_token ELSE one.spouse_token END
          AND i.retired_at IS NULL AND i.status <> 'DISPUTED';
        IF who IS NULL AND one.kind = 'BIRTH' THEN
            who := others;
        END IF;
        IF who IS NULL AND one.kind IN ('MARRIAGE', 'DIVORCE') AND others IS NOT NULL THEN
            who := others;
            others := NULL;
        END IF;
        IF coalesce(array_length(who, 1), 0) <> 1 THEN
            told := CASE WHEN who IS NULL THEN 'UNMATCHED' ELSE 'AMBIGUOUS' END;
            UPDATE public.identity_civilevent SET state = told, placed_at = p_at WHERE id = one.id AND state <> told;
            CONTINUE;
        END IF;
        -- what hangs on files that were merged into hers is hers too
        SELECT m.household_id INTO home FROM public.registry_membership m
        WHERE m.person_id IN (SELECT khana_private.registry_files_of(who[1])) AND m.valid_to IS NULL AND m.superseded_at IS NULL
        ORDER BY m.person_id = who[1] DESC, m.id DESC LIMIT 1;
        SELECT p.area_path INTO place FROM public.registry_person p WHERE p.id = who[1];
        IF one.kind = 'DEATH' AND EXISTS (
            SELECT FROM public.identity_verification v WHERE v.person_id IN (SELECT khana_private.registry_files_of(who[1]))
              AND v.outcome = 'MATCH' AND v.counts
              AND v.as_of::date > one.event_date) THEN
            reason := 'ALIVE_SINCE';
        ELSIF one.kind = 'BIRTH' AND home IS NULL THEN
            reason := 'PARENT_WITHOUT_HOUSEHOLD';
        ELSIF one.kind = 'BIRTH' AND EXISTS (
            SELECT FROM public.registry_membership m JOIN public.registry_personversion v ON v.person_id = m.person_id
            WHERE m.household_id = home AND m.valid_to IS NULL AND m.superseded_at IS NULL AND v.valid_to IS NULL
              AND v.superseded_at IS NULL
              AND (v.birth_year, v.birth_month, v.birth_day) = (extract(year FROM one.event_date)::smallint,
                   extract(month FROM one.event_date)::smallint, extract(day FROM one.event_date)::smallint)) THEN
            reason := 'BORN_THAT_DAY_KNOWN';
        END IF;
        UPDATE public.identity_civilevent SET state = 'PROPOSED', why = reason, person_id = who[1], household_id = home,
            other_person_id = CASE WHEN array_length(others, 1) = 1 AND others[1] <> who[1] THEN others[1] END,
            area_path = place, placed_at = p_at WHERE id = one.id;
        IF one.kind = 'DEATH' THEN  -- what was told is evidence at once; whether the file changes a human decides
            INSERT INTO public.identity_verification (person_id, area_path, token, authority, outcome, counts, why, agreed,
                as_of, asked_at, transaction, answer_ciphertext, answer_sha256, actor_id)
            VALUES (who[1], place, one.token, one.source, 'DECEASED', reason = '', reason, '{}', one.event_date, p_at,
                'event:' || one.id, one.content_ciphertext, one.content_sha256, actor);
        END IF;
        placed := placed + 1;
        PERFORM khana_private.audit_write(actor, 'identity.civil_event_placed', 'person:' || who[1],
            jsonb_build_object('event', one.id, 'kind', one.kind, 'why', reason), p_at);
    END LOOP;
    RETURN placed;
END $$;
REVOKE ALL ON FUNCTION khana_private.identity_place_events(uuid, bigint[], timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION khana_private.identity_place_events(uuid, bigint[], timestamptz) TO khana_web, khana_worker;
