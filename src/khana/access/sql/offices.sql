-- What a grant needs to count: its dates, a second person where it is strong, its mandate and its purpose named, and, for
-- a permission that shows people, a training and an undertaking in force. One view says it; every function reads the view.
CREATE FUNCTION khana_private.access_is_cleared(p_user bigint) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (SELECT FROM public.access_user u WHERE u.id = p_user AND u.kind = 'SYSTEM')
        OR (SELECT count(DISTINCT c.kind) = 2 FROM public.access_clearance c
            WHERE c.user_id = p_user AND c.withdrawn_at IS NULL
              AND c.completed_on <= current_date AND c.expires_on >= current_date)
$$;

CREATE VIEW khana_private.access_live_grant AS
    SELECT g.id, g.user_id, g.role, g.area_path, g.agency, g.programme, g.purpose, g.mandate, r.permission
    FROM public.access_grant g JOIN public.access_rolepermission r ON r.role = g.role
    WHERE g.valid_from <= now() AND (g.valid_to IS NULL OR g.valid_to > now())
      AND (NOT g.needs_second OR g.confirmed_at IS NOT NULL)
      AND (g.mandate = '' OR g.mandate = current_setting('khana.mandate', true))
      AND (g.purpose = '' OR g.purpose = current_setting('khana.purpose', true))
      AND (NOT r.shows_people OR (SELECT khana_private.access_is_cleared(g.user_id)));
REVOKE ALL ON khana_private.access_live_grant FROM PUBLIC;

-- a grant of one programme reaches rows that name the programme and nothing else
CREATE OR REPLACE FUNCTION khana_private.access_grants(p_permission text)
RETURNS TABLE (area_path text, agency text)
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT DISTINCT g.area_path, g.agency FROM khana_private.access_live_grant g
    WHERE g.user_id = khana_private.access_actor() AND g.permission = p_permission AND g.programme = ''
$$;

CREATE OR REPLACE FUNCTION khana_private.access_has(p_permission text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (SELECT FROM khana_private.access_live_grant g
                   WHERE g.user_id = khana_private.access_actor() AND g.permission = p_permission)
$$;

-- agency, programme and area of grants that name a programme, as one prefix
CREATE FUNCTION khana_private.access_programme_areas(p_permission text) RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(array_agg(g.agency || chr(31) || g.programme || chr(31) || g.area_path), '{}')
    FROM khana_private.access_live_grant g
    WHERE g.user_id = khana_private.access_actor() AND g.permission = p_permission AND g.programme <> ''
$$;

CREATE OR REPLACE FUNCTION khana_private.access_me()
RETURNS TABLE (id bigint, username text, display_name text, language text, kind text, permissions text[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT u.id, u.username, u.display_name, u.language::text, u.kind,
           ARRAY(SELECT DISTINCT g.permission FROM khana_private.access_live_grant g
                 WHERE g.user_id = u.id ORDER BY g.permission)
    FROM public.access_user u WHERE u.id = khana_private.access_actor()
$$;

-- every grant of the actor, with what keeps it from counting
CREATE FUNCTION khana_private.access_my_office()
RETURNS TABLE (id bigint, role text, area_path text, agency text, programme text, purpose text, valid_from timestamptz,
               valid_to timestamptz, waits boolean, is_cleared boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT g.id, g.role, g.area_path, g.agency, g.programme, g.purpose, g.valid_from, g.valid_to,
           g.needs_second AND g.confirmed_at IS NULL, khana_private.access_is_cleared(g.user_id)
    FROM public.access_grant g
    WHERE g.user_id = khana_private.access_actor() AND g.mandate = '' AND (g.valid_to IS NULL OR g.valid_to > now())
    ORDER BY g.id
$$;

-- What every grant obeys, whoever writes it: who owns keys owns no data; a user without sign-in holds a machine's role; a
-- programme stands under its agency; a strong grant that a person gave waits for a second one. What the owner of the
-- database gives needs none: it makes the first administrators, and it is named in the log.
CREATE FUNCTION khana_private.access_grant_rules() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    trait record;
    is_machine boolean;
BEGIN
    SELECT t.* INTO trait FROM public.access_roletrait t WHERE t.role = NEW.role;
    SELECT u.kind = 'SYSTEM' INTO is_machine FROM public.access_user u WHERE u.id = NEW.user_id;
    IF is_machine AND NOT coalesce(trait.for_machines, false) THEN
        RAISE EXCEPTION 'not a role of machines' USING ERRCODE = 'KH409', DETAIL = 'machine';
    END IF;
    IF NEW.programme <> '' AND NEW.agency = '' THEN
        RAISE EXCEPTION 'a programme stands under its agency' USING ERRCODE = 'KH409', DETAIL = 'programme';
    END IF;
    IF EXISTS (SELECT FROM public.access_grant g JOIN public.access_roletrait t ON t.role = g.role
               WHERE g.user_id = NEW.user_id AND (g.valid_to IS NULL OR g.valid_to > now())
                 AND ((t.keeps_keys AND trait.shows_people) OR (t.shows_people AND trait.keeps_keys))) THEN
        RAISE EXCEPTION 'keys and data have different owners' USING ERRCODE = 'KH409', DETAIL = 'separation';
    END IF;
    NEW.needs_second := NEW.mandate = '' AND NOT is_machine AND NEW.role <> 'emergency_reader'
        AND (coalesce(trait.is_strong, false)
             OR (coalesce(trait.shows_people, false) AND NEW.area_path = '' AND NEW.agency = ''));
    NEW.confirmed_at := CASE WHEN NOT NEW.needs_second THEN now()
        WHEN NEW.granted_by IS NULL AND khana_private.access_is_owner() THEN now() END;
    NEW.confirmed_by := NULL;
    RETURN NEW;
END $$;
CREATE TRIGGER access_grant_rules BEFORE INSERT ON public.access_grant
    FOR EACH ROW EXECUTE FUNCTION khana_private.access_grant_rules();

-- a grant is confirmed once, by a person who neither gave nor holds it; of the rest only its end ever changes
CREATE FUNCTION khana_private.access_grant_moves() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF (NEW.user_id, NEW.role, NEW.area_path, NEW.agency, NEW.programme, NEW.purpose, NEW.mandate, NEW.valid_from,
        NEW.needs_second) IS DISTINCT FROM
       (OLD.user_id, OLD.role, OLD.area_path, OLD.agency, OLD.programme, OLD.purpose, OLD.mandate, OLD.valid_from,
        OLD.needs_second) THEN
        RAISE EXCEPTION 'a grant is ended, never changed' USING ERRCODE = 'KH409', DETAIL = 'grant';
    END IF;
    IF NEW.confirmed_at IS DISTINCT FROM OLD.confirmed_at
       AND (OLD.confirmed_at IS NOT NULL OR NEW.confirmed_by IS NULL
            OR NEW.confirmed_by = NEW.user_id OR NEW.confirmed_by = NEW.granted_by) THEN
        RAISE EXCEPTION 'a second person confirms' USING ERRCODE = 'KH403', DETAIL = 'grants.confirm';
    END IF;
    IF NEW.valid_to IS NULL AND OLD.valid_to IS NOT NULL OR NEW.valid_to > OLD.valid_to THEN
        RAISE EXCEPTION 'an end is not put off' USING ERRCODE = 'KH409', DETAIL = 'grant';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER access_grant_moves BEFORE UPDATE ON public.access_grant
    FOR EACH ROW EXECUTE FUNCTION khana_private.access_grant_moves();

CREATE FUNCTION khana_private.access_area_of(p_area_code text) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    path text := '';
BEGIN
    IF coalesce(p_area_code, '') = '' THEN
        RETURN '';
    END IF;
    SELECT a.path INTO path FROM public.geo_area a WHERE a.code = p_area_code
    ORDER BY a.valid_to DESC NULLS FIRST, a.valid_from DESC LIMIT 1;
    IF coalesce(path, '') = '' THEN
        RAISE EXCEPTION 'no such area' USING ERRCODE = 'KH404', DETAIL = 'area';
    END IF;
    RETURN path;
END $$;

CREATE FUNCTION khana_private.access_give(
    p_username text, p_role text, p_area_code text, p_agency text, p_programme text, p_purpose text,
    p_from timestamptz, p_to timestamptz, p_at timestamptz)
RETURNS TABLE (id bigint, waits boolean) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    actor bigint := khana_private.access_actor();
    who bigint;
    path text;
    made bigint;
    waiting boolean;
BEGIN
    PERFORM khana_private.access_require_user_manager();
    who := khana_private.access_user_id(p_username);
    IF who = actor THEN
        RAISE EXCEPTION 'nobody grants to herself' USING ERRCODE = 'KH403', DETAIL = 'users.manage';
    END IF;
    IF p_role = 'emergency_reader' THEN
        RAISE EXCEPTION 'given by broken glass only' USING ERRCODE = 'KH409', DETAIL = 'machine';
    END IF;
    path := khana_private.access_area_of(p_area_code);
    INSERT INTO public.access_grant (user_id, role, area_path, agency, programme, purpose, valid_from, valid_to, granted_by)
    VALUES (who, p_role, path, coalesce(p_agency, ''), coalesce(p_programme, ''), coalesce(p_purpose, ''),
            coalesce(p_from, least(p_at, now())), p_to, actor)
    RETURNING access_grant.id, needs_second AND confirmed_at IS NULL INTO made, waiting;
    PERFORM khana_private.audit_write(actor, 'access.granted', 'user:' || who,
        jsonb_strip_nulls(jsonb_build_object('grant', made, 'role', p_role, 'area', path, 'agency', coalesce(p_agency, ''),
            'programme', nullif(p_programme, ''), 'purpose', nullif(p_purpose, ''), 'from', p_from, 'to', p_to,
            'waits', waiting)), p_at);
    RETURN QUERY SELECT made, waiting;
END $$;

CREATE OR REPLACE FUNCTION khana_private.access_add_grant(
    p_username text, p_role text, p_area_code text, p_agency text, p_at timestamptz)
RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT g.id FROM khana_private.access_give(p_username, p_role, p_area_code, p_agency, '', '', NULL, NULL, p_at) g
$$;

CREATE OR REPLACE FUNCTION khana_private.access_end_grant(p_grant bigint, p_at timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    who bigint;
BEGIN
    PERFORM khana_private.access_require_user_manager();
    UPDATE public.access_grant SET valid_to = now() WHERE id = p_grant AND (valid_to IS NULL OR valid_to > now())
    RETURNING user_id INTO who;
    IF who IS NULL THEN
        RAISE EXCEPTION 'no such grant in force' USING ERRCODE = 'KH404', DETAIL = 'grant';
    END IF;
    PERFORM khana_private.audit_write(khana_private.access_actor(), 'access.grant_ended', 'user:' || who,
                                      jsonb_build_object('grant', p_grant), p_at);
END $$;

CREATE FUNCTION khana_private.access_confirm_grant(p_grant bigint, p_at timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor bigint := khana_private.access_actor();
    who bigint;
BEGIN
    IF NOT khana_private.access_everything('grants.confirm') THEN
        RAISE EXCEPTION 'not permitted' USING ERRCODE = 'KH403', DETAIL = 'grants.confirm';
    END IF;
    UPDATE public.access_grant SET confirmed_at = now(), confirmed_by = actor
    WHERE id = p_grant AND needs_second AND confirmed_at IS NULL AND (valid_to IS NULL OR valid_to > now())
    RETURNING user_id INTO who;
    IF who IS NULL THEN
        RAISE EXCEPTION 'no such grant waits' USING ERRCODE = 'KH404', DETAIL = 'grant';
    END IF;
    PERFORM khana_private.audit_write(actor, 'access.grant_confirmed', 'user:' || who,
                                      jsonb_build_object('grant', p_grant), p_at);
END $$;

CREATE FUNCTION khana_private.access_clear(
    p_username text, p_kind text, p_title text, p_paper text, p_on date, p_until date, p_at timestamptz)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor bigint := khana_private.access_actor();
    who bigint;
    made bigint;
BEGIN
    PERFORM khana_private.access_require_user_manager();
    who := khana_private.access_user_id(p_username);
    IF who = actor THEN
        RAISE EXCEPTION 'nobody clears herself' USING ERRCODE = 'KH403', DETAIL = 'users.manage';
    END IF;
    INSERT INTO public.access_clearance (user_id, kind, title, paper_sha256, completed_on, expires_on, recorded_by, recorded_at)
    VALUES (who, p_kind, p_title, coalesce(p_paper, ''), p_on, p_until, actor, p_at) RETURNING id INTO made;
    PERFORM khana_private.audit_write(actor, 'access.cleared', 'user:' || who,
        jsonb_build_object('clearance', made, 'kind', p_kind, 'until', p_until), p_at);
    RETURN made;
END $$;

CREATE FUNCTION khana_private.access_withdraw_clearance(p_clearance bigint, p_at timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    who bigint;
BEGIN
    PERFORM khana_private.access_require_user_manager();
    UPDATE public.access_clearance SET withdrawn_at = now() WHERE id = p_clearance AND withdrawn_at IS NULL
    RETURNING user_id INTO who;
    IF who IS NULL THEN
        RAISE EXCEPTION 'no such clearance' USING ERRCODE = 'KH404', DETAIL = 'clearance';
    END IF;
    PERFORM khana_private.audit_write(khana_private.access_actor(), 'access.clearance_withdrawn', 'user:' || who,
                                      jsonb_build_object('clearance', p_clearance), p_at);
END $$;

-- of one user for who keeps users; of oneself for everybody
CREATE FUNCTION khana_private.access_clearances(p_username text)
RETURNS TABLE (id bigint, kind text, title text, completed_on date, expires_on date, is_in_force boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    who bigint := khana_private.access_actor();
BEGIN
    IF coalesce(p_username, '') <> '' THEN
        IF NOT khana_private.access_is_owner() AND NOT khana_private.access_everything('users.read') THEN
            RAISE EXCEPTION 'not permitted' USING ERRCODE = 'KH403', DETAIL = 'users.read';
        END IF;
        who := khana_private.access_user_id(p_username);
    END IF;
    RETURN QUERY SELECT c.id, c.kind, c.title, c.completed_on, c.expires_on,
        c.withdrawn_at IS NULL AND c.completed_on <= current_date AND c.expires_on >= current_date
    FROM public.access_clearance c WHERE c.user_id = who ORDER BY c.expires_on DESC, c.id DESC;
END $$;

-- Staff who have not signed in for ninety days are nobody at the door, and are closed by the worker's round.
CREATE FUNCTION khana_private.access_is_idle(p_user bigint) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT u.kind = 'STAFF' AND greatest(u.created_at, u.reopened_at,
        (SELECT max(s.opened_at) FROM public.access_session s WHERE s.user_id = u.id),
        (SELECT max(least(g.valid_from, now())) FROM public.access_grant g WHERE g.user_id = u.id)
        ) < now() - interval '90 days'
    FROM public.access_user u WHERE u.id = p_user
$$;

CREATE FUNCTION khana_private.access_close_idle() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    who bigint;
    closed integer := 0;
BEGIN
    IF session_user <> 'khana_worker' THEN
        PERFORM khana_private.access_require_user_manager();
    END IF;
    FOR who IN UPDATE public.access_user u SET is_active = false
               WHERE u.is_active AND khana_private.access_is_idle(u.id) RETURNING u.id
    LOOP
        UPDATE public.access_session SET closed_at = now() WHERE user_id = who AND closed_at IS NULL;
        PERFORM khana_private.audit_write(khana_private.access_actor(), 'access.user_closed_idle', 'user:' || who, '{}', now());
        closed := closed + 1;
    END LOOP;
    RETURN closed;
END $$;

CREATE OR REPLACE FUNCTION khana_private.access_set_active(p_username text, p_active boolean, p_at timestamptz)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    who bigint;
BEGIN
    PERFORM khana_private.access_require_user_manager();
    who := khana_private.access_user_id(p_username);
    UPDATE public.access_user SET is_active = p_active, reopened_at = CASE WHEN p_active THEN now() ELSE reopened_at END
    WHERE id = who;
    UPDATE public.access_session SET closed_at = now() WHERE user_id = who AND closed_at IS NULL AND NOT p_active;
    PERFORM khana_private.audit_write(khana_private.access_actor(),
        CASE WHEN p_active THEN 'access.user_opened' ELSE 'access.user_closed' END, 'user:' || who, '{}', p_at);
END $$;

-- As before, and an idle user is nobody.
CREATE OR REPLACE FUNCTION khana_private.access_open_session(
    p_username text, p_derived_key bytea, p_kind text, p_ttl interval)
RETURNS TABLE (outcome text, token text, totp_ciphertext bytea)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    found record;
BEGIN
    IF p_kind NOT IN ('WEB', 'TOKEN') THEN
        RAISE EXCEPTION 'no such kind of session' USING ERRCODE = 'KH403', DETAIL = p_kind;
    END IF;
    SELECT u.id, c.verifier, c.totp_ciphertext AS totp, c.locked_until INTO found
    FROM public.access_user u JOIN public.access_credential c ON c.user_id = u.id
    WHERE u.username = lower(p_username) AND u.is_active AND NOT khana_private.access_is_idle(u.id) FOR UPDATE OF c;
    IF found.id IS NULL THEN
        PERFORM khana_private.audit_write(NULL, 'access.sign_in.refused', 'user:unknown', '{}', now());
        RETURN QUERY SELECT 'REFUSED', NULL::text, NULL::bytea;
        RETURN;
    END IF;
    IF found.locked_until > now() THEN
        RETURN QUERY SELECT 'LOCKED', NULL::text, NULL::bytea;
        RETURN;
    END IF;
    IF sha256(p_derived_key) IS DISTINCT FROM found.verifier THEN
        RETURN QUERY SELECT khana_private.access_count_failure(found.id), NULL::text, NULL::bytea;
        RETURN;
    END IF;
    IF found.totp IS NULL THEN
        UPDATE public.access_credential SET failed_count = 0, locked_until = NULL WHERE user_id = found.id;
        PERFORM khana_private.audit_write(found.id, 'access.sign_in', 'user:' || found.id, '{}', now());
    END IF;
    RETURN QUERY SELECT CASE WHEN found.totp IS NULL THEN 'OK' ELSE 'SECOND_FACTOR' END,
        khana_private.access_new_session(found.id, p_kind, p_ttl, found.totp IS NULL), found.totp;
END $$;

-- One alarm for one thing, however often it is looked for: the fingerprint says which thing.
CREATE FUNCTION khana_private.access_raise_alarm(
    p_kind text, p_user bigint, p_details jsonb, p_fingerprint text, p_hours integer)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    made bigint;
BEGIN
    INSERT INTO public.access_alarm (kind, user_id, raised_at, details, fingerprint, due_at, outcome, finding)
    VALUES (p_kind, p_user, now(), p_details, p_fingerprint, now() + make_interval(hours => p_hours), '', '')
    ON CONFLICT (fingerprint) DO NOTHING RETURNING id INTO made;
    IF made IS NULL THEN
        RETURN false;
    END IF;
    PERFORM khana_private.audit_write(NULL, 'access.alarm_raised', 'alarm:' || made,
                                      jsonb_build_object('kind', p_kind, 'user', p_user), now());
    RETURN true;
END $$;

-- Broken glass: one area, some hours, a reason, an alarm in the same transaction. Three times in thirty days at most.
CREATE FUNCTION khana_private.access_break_glass(p_area_code text, p_reason text, p_hours integer, p_at timestamptz)
RETURNS TABLE (id bigint, valid_to timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    actor bigint := khana_private.access_actor();
    path text;
    made record;
BEGIN
    IF NOT khana_private.access_has('emergency.read') THEN
        RAISE EXCEPTION 'not permitted' USING ERRCODE = 'KH403', DETAIL = 'emergency.read';
    END IF;
    IF NOT khana_private.access_is_cleared(actor) THEN
        RAISE EXCEPTION 'no training or undertaking in force' USING ERRCODE = 'KH409', DETAIL = 'clearance';
    END IF;
    PERFORM 1 FROM public.access_user u WHERE u.id = actor FOR UPDATE;  -- two at once are counted one after the other
    IF length(btrim(coalesce(p_reason, ''))) < 20 THEN
        RAISE EXCEPTION 'a reason is needed' USING ERRCODE = 'KH409', DETAIL = 'reason';
    END IF;
    IF (SELECT count(*) FROM public.access_grant g WHERE g.user_id = actor AND g.role = 'emergency_reader'
        AND g.valid_from > now() - interval '30 days') >= 3 THEN
        RAISE EXCEPTION 'three times in thirty days' USING ERRCODE = 'KH409', DETAIL = 'glass';
    END IF;
    path := khana_private.access_area_of(p_area_code);
    IF path = '' THEN
        RAISE EXCEPTION 'which area' USING ERRCODE = 'KH404', DETAIL = 'area';
    END IF;
    INSERT INTO public.access_grant (user_id, role, area_path, agency, valid_from, valid_to, granted_by, reason)
    VALUES (actor, 'emergency_reader', path, '', now(),
            now() + make_interval(hours => least(greatest(coalesce(p_hours, 4), 1), 4)), actor, btrim(p_reason))
    RETURNING access_grant.id, access_grant.valid_to INTO made;
    PERFORM khana_private.audit_write(actor, 'access.glass_broken', 'user:' || actor,
        jsonb_build_object('grant', made.id, 'area', path, 'until', made.valid_to), p_at);
    PERFORM khana_private.access_raise_alarm('GLASS_BROKEN', actor,
        jsonb_build_object('grant', made.id, 'area', path, 'until', made.valid_to), 'glass:' || made.id, 24);
    RETURN QUERY SELECT made.id, made.valid_to;
END $$;

CREATE FUNCTION khana_private.access_close_alarm(p_alarm bigint, p_outcome text, p_finding text, p_at timestamptz)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor bigint := khana_private.access_actor();
    about bigint;
BEGIN
    IF NOT khana_private.access_everything('alarms.decide') THEN
        RAISE EXCEPTION 'not permitted' USING ERRCODE = 'KH403', DETAIL = 'alarms.decide';
    END IF;
    SELECT a.user_id INTO about FROM public.access_alarm a WHERE a.id = p_alarm AND a.closed_at IS NULL FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such open alarm' USING ERRCODE = 'KH404', DETAIL = 'alarm';
    END IF;
    IF about = actor THEN
        RAISE EXCEPTION 'it is about yourself' USING ERRCODE = 'KH403', DETAIL = 'alarms.decide';
    END IF;
    IF p_outcome NOT IN ('EXPLAINED', 'MISUSE', 'BREACH') OR length(btrim(coalesce(p_finding, ''))) < 10 THEN
        RAISE EXCEPTION 'an outcome and a finding are needed' USING ERRCODE = 'KH409', DETAIL = 'reason';
    END IF;
    UPDATE public.access_alarm SET closed_at = p_at, closed_by = actor, outcome = p_outcome, finding = btrim(p_finding)
    WHERE id = p_alarm;
    PERFORM khana_private.audit_write(actor, 'access.alarm_closed', 'alarm:' || p_alarm,
                                      jsonb_build_object('outcome', p_outcome), p_at);
END $$;

-- As before, and of each grant whether it waits; mandates are the agreements' own.
CREATE OR REPLACE FUNCTION khana_private.access_list_users()
RETURNS TABLE (id bigint, username text, display_name text, language text, kind text, is_active boolean,
               second_factor boolean, is_locked boolean, grants jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    IF NOT khana_private.access_is_owner() AND NOT khana_private.access_everything('users.read') THEN
        RAISE EXCEPTION 'not permitted' USING ERRCODE = 'KH403', DETAIL = 'users.read';
    END IF;
    RETURN QUERY
    SELECT u.id, u.username, u.display_name, u.language::text, u.kind, u.is_active,
           c.totp_ciphertext IS NOT NULL, coalesce(c.locked_until > now(), false),
           coalesce((SELECT jsonb_agg(jsonb_build_object('id', g.id, 'role', g.role, 'area_path', g.area_path,
                                                         'agency', g.agency, 'programme', g.programme,
                              'purpose', g.purpose, 'valid_to', g.valid_to,
                              'waits', g.needs_second AND g.confirmed_at IS NULL) ORDER BY g.id)
                     FROM public.access_grant g
                     WHERE g.user_id = u.id AND g.mandate = '' AND (g.valid_to IS NULL OR g.valid_to > now())), '[]')
    FROM public.access_user u LEFT JOIN public.access_credential c ON c.user_id = u.id ORDER BY u.username;
END $$;

DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT p.oid::regprocedure::text FROM pg_proc p
                WHERE p.pronamespace = 'khana_private'::regnamespace AND p.proname IN (
                    'access_is_cleared', 'access_programme_areas', 'access_my_office', 'access_give', 'access_confirm_grant',
                    'access_clear', 'access_withdraw_clearance', 'access_clearances', 'access_close_idle',
                    'access_break_glass', 'access_close_alarm', 'access_watch', 'access_is_idle', 'access_area_of',
                    'access_raise_alarm', 'access_grant_rules', 'access_grant_moves')
    LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', name);
        IF name !~ '(is_idle|area_of|raise_alarm|grant_rules|grant_moves|is_cleared)' THEN
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO khana_web, khana_worker', name);
        END IF;
    END LOOP;
END $$;
