-- What is written first is held to the table of transitions once a statement, however many rows; each later move row by row.
CREATE FUNCTION khana_private.beneficiaries_hold_first() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    wrong text;
BEGIN
    IF NOT EXISTS (SELECT FROM new_rows) THEN
        RETURN NULL;
    END IF;
    IF khana_private.access_actor() IS NULL THEN  -- nobody sees the table of transitions either
        RAISE EXCEPTION 'no live session' USING ERRCODE = '42501';
    END IF;
    SELECT n.state INTO wrong FROM (SELECT DISTINCT state FROM new_rows) n
    WHERE NOT EXISTS (SELECT FROM public.beneficiaries_transition t
                      WHERE t.subject = TG_ARGV[0] AND t.state_from = '' AND t.state_to = n.state) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'no such move' USING ERRCODE = 'KH409', DETAIL = format('%s nothing -> %s', TG_ARGV[0], wrong);
    END IF;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION khana_private.beneficiaries_hold_first() FROM PUBLIC;
DROP TRIGGER enrolment_state ON beneficiaries_enrolment;
DROP TRIGGER stop_state ON beneficiaries_stop;
CREATE TRIGGER enrolment_state BEFORE UPDATE ON beneficiaries_enrolment
FOR EACH ROW EXECUTE FUNCTION khana_private.beneficiaries_hold_state('enrolment');
CREATE TRIGGER stop_state BEFORE UPDATE ON beneficiaries_stop
FOR EACH ROW EXECUTE FUNCTION khana_private.beneficiaries_hold_state('stop');
CREATE TRIGGER enrolment_first AFTER INSERT ON beneficiaries_enrolment REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION khana_private.beneficiaries_hold_first('enrolment');
CREATE TRIGGER stop_first AFTER INSERT ON beneficiaries_stop REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION khana_private.beneficiaries_hold_first('stop');
