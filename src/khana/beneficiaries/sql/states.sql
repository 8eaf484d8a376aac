-- Every enrolment and every stop is held to the one table of transitions, whoever writes.
CREATE OR REPLACE FUNCTION khana_private.beneficiaries_hold_state() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    subject text := TG_ARGV[0];
    before text := '';
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.state = OLD.state THEN
            RETURN NEW;
        END IF;
        before := OLD.state;
    END IF;
    IF khana_private.access_actor() IS NULL THEN  -- nobody sees the table of transitions either
        RAISE EXCEPTION 'no live session' USING ERRCODE = '42501';
    END IF;
    IF NOT EXISTS (SELECT FROM public.beneficiaries_transition t
                   WHERE t.subject = TG_ARGV[0] AND t.state_from = before AND t.state_to = NEW.state) THEN
        RAISE EXCEPTION 'no such move' USING ERRCODE = 'KH409',
            DETAIL = format('%s %s -> %s', subject, coalesce(nullif(before, ''), 'nothing'), NEW.state);
    END IF;
    IF subject = 'enrolment' AND TG_OP = 'UPDATE' THEN
        IF before = 'SUSPENDED' AND OLD.changed_by = 'HUMAN' AND NEW.changed_by <> 'HUMAN' AND NEW.state = 'ENROLLED' THEN
            RAISE EXCEPTION 'a person suspended it' USING ERRCODE = 'KH409', DETAIL = 'human suspension';
        END IF;
        IF before IN ('GRADUATED', 'EXITED') AND OLD.reentry_from IS NOT NULL AND NEW.state_at::date < OLD.reentry_from THEN
            RAISE EXCEPTION 'too early to come back' USING ERRCODE = 'KH409', DETAIL = 're-entry';
        END IF;
    END IF;
    IF subject = 'stop' AND TG_OP = 'UPDATE' THEN
        IF NEW.state = 'EFFECTIVE' AND (NEW.appeal_until IS NULL OR NEW.state_at::date <= NEW.appeal_until)
           AND before <> 'REOPENED' THEN
            RAISE EXCEPTION 'the appeal window is open' USING ERRCODE = 'KH409', DETAIL = 'appeal window';
        END IF;
        IF NEW.state = 'APPEALED' AND NEW.state_at::date > NEW.appeal_until THEN
            RAISE EXCEPTION 'the appeal window is over' USING ERRCODE = 'KH409', DETAIL = 'appeal window over';
        END IF;
        -- an officer may lodge an appeal; every other move is that of who decides for the country
        IF NEW.state <> 'APPEALED' AND NOT khana_private.access_everything('crossrules.write') THEN
            RAISE EXCEPTION 'not permitted' USING ERRCODE = 'KH403', DETAIL = 'crossrules.write';
        END IF;
    END IF;
    RETURN NEW;
END $$;

-- A trial goes forward in its order, and only who holds the right says yes to it, in her own name.
CREATE OR REPLACE FUNCTION khana_private.beneficiaries_hold_trial() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NEW.approved_by IS DISTINCT FROM OLD.approved_by AND (
        OLD.approved_by IS NOT NULL OR NEW.approved_by <> khana_private.access_actor()
        OR NOT khana_private.access_everything('crossrules.approve')) THEN
        RAISE EXCEPTION 'not permitted' USING ERRCODE = 'KH403', DETAIL = 'crossrules.approve';
    END IF;
    IF NEW.state <> OLD.state THEN
        IF (OLD.state, NEW.state) NOT IN (('TRIED', 'NOTICED'), ('TRIED', 'WITHDRAWN'), ('NOTICED', 'APPLIED'),
                                          ('NOTICED', 'WITHDRAWN')) THEN
            RAISE EXCEPTION 'no such move' USING ERRCODE = 'KH409', DETAIL = format('trial %s -> %s', OLD.state, NEW.state);
        END IF;
        IF NEW.state = 'NOTICED' AND NEW.approved_by IS NULL THEN
            RAISE EXCEPTION 'nobody approved it' USING ERRCODE = 'KH409', DETAIL = 'approval';
        END IF;
        IF NOT khana_private.access_everything('crossrules.write') THEN
            RAISE EXCEPTION 'not permitted' USING ERRCODE = 'KH403', DETAIL = 'crossrules.write';
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER trial_state BEFORE UPDATE ON beneficiaries_trial
FOR EACH ROW EXECUTE FUNCTION khana_private.beneficiaries_hold_trial();

-- Each move is a record: one statement, however many rows.
CREATE OR REPLACE FUNCTION khana_private.beneficiaries_keep_moves() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO public.beneficiaries_statechange (subject, subject_id, programme, agency, area_path, state_from, state_to,
                                                  state_at, changed_by, actor_id, reason, note)
    SELECT TG_ARGV[0], n.id, n.programme, n.agency, n.area_path, o.state, n.state, n.state_at, n.changed_by, n.actor_id,
           n.reason, n.note
    FROM after_rows n JOIN before_rows o ON o.id = n.id WHERE n.state <> o.state;
    RETURN NULL;
END $$;

CREATE TRIGGER enrolment_state BEFORE INSERT OR UPDATE ON beneficiaries_enrolment
FOR EACH ROW EXECUTE FUNCTION khana_private.beneficiaries_hold_state('enrolment');
CREATE TRIGGER stop_state BEFORE INSERT OR UPDATE ON beneficiaries_stop
FOR EACH ROW EXECUTE FUNCTION khana_private.beneficiaries_hold_state('stop');
CREATE TRIGGER enrolment_moves AFTER UPDATE ON beneficiaries_enrolment
REFERENCING OLD TABLE AS before_rows NEW TABLE AS after_rows
FOR EACH STATEMENT EXECUTE FUNCTION khana_private.beneficiaries_keep_moves('enrolment');
CREATE TRIGGER stop_moves AFTER UPDATE ON beneficiaries_stop
REFERENCING OLD TABLE AS before_rows NEW TABLE AS after_rows
FOR EACH STATEMENT EXECUTE FUNCTION khana_private.beneficiaries_keep_moves('stop');
REVOKE ALL ON FUNCTION khana_private.beneficiaries_hold_state(), khana_private.beneficiaries_hold_trial(),
    khana_private.beneficiaries_keep_moves() FROM PUBLIC;

INSERT INTO beneficiaries_transition (subject, state_from, state_to) VALUES
('enrolment', '', 'IDENTIFIED'), ('enrolment', '', 'SELECTED'), ('enrolment', '', 'ENROLLED'), ('enrolment', '', 'EXITED'),
('enrolment', '', 'WAITLISTED'),
('enrolment', 'IDENTIFIED', 'SELECTED'), ('enrolment', 'IDENTIFIED', 'WAITLISTED'), ('enrolment', 'IDENTIFIED', 'DECLINED'),
('enrolment', 'IDENTIFIED', 'EXITED'), ('enrolment', 'IDENTIFIED', 'ENROLLED'),
('enrolment', 'WAITLISTED', 'SELECTED'), ('enrolment', 'WAITLISTED', 'DECLINED'), ('enrolment', 'WAITLISTED', 'EXITED'),
('enrolment', 'SELECTED', 'NOTIFIED'), ('enrolment', 'SELECTED', 'WAITLISTED'), ('enrolment', 'SELECTED', 'DECLINED'),
('enrolment', 'SELECTED', 'EXITED'),
('enrolment', 'NOTIFIED', 'ENROLLED'), ('enrolment', 'NOTIFIED', 'DECLINED'), ('enrolment', 'NOTIFIED', 'EXITED'),
('enrolment', 'ENROLLED', 'SUSPENDED'), ('enrolment', 'ENROLLED', 'GRADUATED'), ('enrolment', 'ENROLLED', 'EXITED'),
('enrolment', 'SUSPENDED', 'ENROLLED'), ('enrolment', 'SUSPENDED', 'GRADUATED'), ('enrolment', 'SUSPENDED', 'EXITED'),
('enrolment', 'DECLINED', 'IDENTIFIED'), ('enrolment', 'GRADUATED', 'IDENTIFIED'), ('enrolment', 'EXITED', 'IDENTIFIED'),
('stop', '', 'PROPOSED'),
('stop', 'PROPOSED', 'NOTIFIED'), ('stop', 'PROPOSED', 'WITHDRAWN'),
('stop', 'NOTIFIED', 'APPEALED'), ('stop', 'NOTIFIED', 'EFFECTIVE'), ('stop', 'NOTIFIED', 'WITHDRAWN'),
('stop', 'APPEALED', 'UPHELD'), ('stop', 'APPEALED', 'ALLOWED'), ('stop', 'APPEALED', 'WITHDRAWN'),
('stop', 'UPHELD', 'EFFECTIVE'), ('stop', 'UPHELD', 'WITHDRAWN'),
('stop', 'NOTIFIED', 'REOPENED'), ('stop', 'APPEALED', 'REOPENED'), ('stop', 'UPHELD', 'REOPENED'),
('stop', 'EFFECTIVE', 'REOPENED'), ('stop', 'REOPENED', 'EFFECTIVE'), ('stop', 'REOPENED', 'ALLOWED'),
('stop', 'REOPENED', 'NOTIFIED');
