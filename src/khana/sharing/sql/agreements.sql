-- The two-person rule and the mandate of an agreement, kept by the database whoever asks.

-- An approval is by somebody who did not draft the thing; the second one puts it in force.
CREATE FUNCTION khana_private.sharing_approve() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    drafter bigint;
    standing text;
    yes integer;
    a public.sharing_agreement;
BEGIN
    IF NEW.agreement_id IS NOT NULL THEN
        SELECT * INTO a FROM public.sharing_agreement g WHERE g.id = NEW.agreement_id FOR UPDATE;
        drafter := a.drafted_by;
        standing := a.state;
    ELSE
        SELECT e.asked_by, e.state INTO drafter, standing FROM public.sharing_extract e
        WHERE e.id = NEW.extract_id FOR UPDATE;
    END IF;
    IF drafter IS NULL OR standing <> 'DRAFT' THEN
        RAISE EXCEPTION 'not waiting for approval' USING ERRCODE = 'KH409', DETAIL = 'approval';
    END IF;
    IF drafter = NEW.actor_id THEN
        RAISE EXCEPTION 'nobody approves what she drafted' USING ERRCODE = 'KH403', DETAIL = 'sharing.approve';
    END IF;
    IF NEW.agreement_id IS NOT NULL THEN
        SELECT count(DISTINCT p.actor_id) INTO yes FROM public.sharing_approval p
        WHERE p.agreement_id = NEW.agreement_id AND p.actor_id <> drafter;
        IF yes >= 2 THEN
            UPDATE public.sharing_agreement SET state = 'IN_FORCE', in_force_at = NEW.approved_at
            WHERE id = a.id;
            INSERT INTO public.access_grant (user_id, role, area_path, agency, valid_from, valid_to, granted_by, mandate)
            VALUES (a.partner_user_id, 'mandate_reader', a.area_path, a.agency, a.valid_from, a.valid_to,
                    NEW.actor_id, a.number);
        END IF;
    ELSE
        SELECT count(DISTINCT p.actor_id) INTO yes FROM public.sharing_approval p WHERE p.extract_id = NEW.extract_id
            AND p.actor_id <> drafter;
        IF yes >= 2 THEN
            UPDATE public.sharing_extract SET state = 'APPROVED' WHERE id = NEW.extract_id;
        END IF;
    END IF;
    IF yes < 1 THEN
        RAISE EXCEPTION 'the approval does not count' USING ERRCODE = 'KH409', DETAIL = 'approval';
    END IF;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION khana_private.sharing_approve() FROM PUBLIC;
CREATE TRIGGER sharing_approval_counts AFTER INSERT ON sharing_approval
    FOR EACH ROW EXECUTE FUNCTION khana_private.sharing_approve();

-- A thing goes from state to state as its table of transitions says, its terms never change once somebody approved
-- them, and only the trigger above puts anything in force. An agreement that ends takes its mandate with it.
CREATE FUNCTION khana_private.sharing_agreement_moves() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NEW.state <> OLD.state THEN
        IF (OLD.state, NEW.state) NOT IN (('DRAFT', 'IN_FORCE'), ('DRAFT', 'REFUSED'), ('IN_FORCE', 'ENDED')) THEN
            RAISE EXCEPTION 'no such step' USING ERRCODE = 'KH409', DETAIL = 'agreement';
        END IF;
        IF NEW.state = 'IN_FORCE' AND (SELECT count(DISTINCT p.actor_id) FROM public.sharing_approval p
                                       WHERE p.agreement_id = NEW.id AND p.actor_id <> OLD.drafted_by) < 2 THEN
            RAISE EXCEPTION 'two approvals are needed' USING ERRCODE = 'KH403', DETAIL = 'sharing.approve';
        END IF;
        IF NEW.state = 'ENDED' THEN
            UPDATE public.access_grant SET valid_to = now()
            WHERE mandate = NEW.number AND (valid_to IS NULL OR valid_to > now());
        END IF;
    END IF;
    RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION khana_private.sharing_agreement_moves() FROM PUBLIC;
CREATE TRIGGER sharing_agreement_moves BEFORE UPDATE ON sharing_agreement
    FOR EACH ROW EXECUTE FUNCTION khana_private.sharing_agreement_moves();

CREATE FUNCTION khana_private.sharing_extract_moves() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NEW.state <> OLD.state THEN
        IF (OLD.state, NEW.state) NOT IN (('DRAFT', 'APPROVED'), ('DRAFT', 'REFUSED'), ('APPROVED', 'DELIVERED'),
            ('APPROVED', 'FAILED'), ('FAILED', 'DELIVERED'), ('FAILED', 'REFUSED'), ('DELIVERED', 'EXPIRED')) THEN
            RAISE EXCEPTION 'no such step' USING ERRCODE = 'KH409', DETAIL = 'extract';
        END IF;
        IF NEW.state = 'APPROVED' AND (SELECT count(DISTINCT p.actor_id) FROM public.sharing_approval p
                                       WHERE p.extract_id = NEW.id AND p.actor_id <> OLD.asked_by) < 2 THEN
            RAISE EXCEPTION 'two approvals are needed' USING ERRCODE = 'KH403', DETAIL = 'sharing.approve';
        END IF;
    END IF;
    RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION khana_private.sharing_extract_moves() FROM PUBLIC;
CREATE TRIGGER sharing_extract_moves BEFORE UPDATE ON sharing_extract
    FOR EACH ROW EXECUTE FUNCTION khana_private.sharing_extract_moves();

-- The worker makes an approved extract in the partner's own scope, under the agreement's mandate: a token for an
-- hour, only while two people stand behind it and the agreement is in force.
CREATE FUNCTION khana_private.sharing_adopt_extract(p_extract text)
RETURNS TABLE (token text, agreement text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    who bigint;
    named text;
BEGIN
    SELECT a.partner_user_id, a.number INTO who, named
    FROM public.sharing_extract e JOIN public.sharing_agreement a ON a.id = e.agreement_id
    JOIN public.access_user u ON u.id = a.partner_user_id
    WHERE e.number = p_extract AND e.state IN ('APPROVED', 'FAILED') AND a.state = 'IN_FORCE' AND u.is_active
      AND a.valid_from <= now() AND a.valid_to > now()
      AND (SELECT count(DISTINCT p.actor_id) FROM public.sharing_approval p
           WHERE p.extract_id = e.id AND p.actor_id <> e.asked_by) >= 2;
    IF who IS NULL THEN
        RAISE EXCEPTION 'no such extract to be made' USING ERRCODE = 'KH404', DETAIL = 'extract';
    END IF;
    PERFORM khana_private.audit_write(who, 'sharing.extract_adopted', 'extract:' || p_extract, '{}', now());
    RETURN QUERY SELECT khana_private.access_new_session(who, 'JOB', interval '1 hour', true), named;
END $$;

-- Client credentials of a partner against a token for an hour. The secret has 256 random bits, so that its hash
-- needs no slow derivation. Says nothing about why it refuses.
CREATE FUNCTION khana_private.sharing_client_token(p_client text, p_secret text, p_seconds integer) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    who bigint;
BEGIN
    SELECT p.user_id INTO who FROM public.sharing_partner p JOIN public.access_user u ON u.id = p.user_id
    WHERE p.code = p_client AND p.secret_hash = sha256(convert_to(p_secret, 'UTF8')) AND p.closed_at IS NULL
      AND u.is_active;
    IF who IS NULL THEN
        PERFORM khana_private.audit_write(NULL, 'sharing.client_refused', 'partner:unknown', '{}', now());
        RETURN NULL;
    END IF;
    PERFORM khana_private.audit_write(who, 'sharing.client_token', 'user:' || who, '{}', now());
    RETURN khana_private.access_new_session(who, 'TOKEN', make_interval(secs => least(p_seconds, 3600)), true);
END $$;

-- Count one call of the actor; returns her calls of the day. Only for herself.
CREATE FUNCTION khana_private.sharing_count(p_calls integer, p_rows bigint, p_day date) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor bigint := khana_private.access_actor();
BEGIN
    IF actor IS NULL OR p_calls < 0 OR p_rows < 0 THEN
        RAISE EXCEPTION 'no live session' USING ERRCODE = 'KH403', DETAIL = 'session';
    END IF;
    INSERT INTO public.sharing_usage (partner_user_id, day, slot, calls, rows)
    VALUES (actor, p_day, pg_backend_pid() % 16, p_calls, p_rows)
    ON CONFLICT (partner_user_id, day, slot)
    DO UPDATE SET calls = sharing_usage.calls + EXCLUDED.calls, rows = sharing_usage.rows + EXCLUDED.rows;
    RETURN (SELECT sum(u.calls) FROM public.sharing_usage u WHERE u.partner_user_id = actor AND u.day = p_day);
END $$;

REVOKE ALL ON FUNCTION khana_private.sharing_adopt_extract(text), khana_private.sharing_client_token(text, text, integer),
    khana_private.sharing_count(integer, bigint, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION khana_private.sharing_client_token(text, text, integer),
    khana_private.sharing_count(integer, bigint, date) TO khana_web, khana_worker;
GRANT EXECUTE ON FUNCTION khana_private.sharing_adopt_extract(text) TO khana_worker;
