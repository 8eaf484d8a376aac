-- A merge and its end are in the name of who is signed in, whatever the statement says, and where money
-- hangs on it the second person must be another one. Not a definer: row security holds as everywhere.
CREATE FUNCTION khana_private.registry_alias_two_people() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor bigint := khana_private.access_actor();
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.proposed_by := actor;
        NEW.confirmed_by := NULL;
        NEW.ended_by := NULL;
        NEW.end_proposed_by := NULL;
        NEW.valid_to := NULL;
        IF NEW.needs_second THEN
            NEW.valid_from := NULL;
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.valid_from IS DISTINCT FROM OLD.valid_from THEN
        IF OLD.valid_from IS NOT NULL OR OLD.valid_to IS NOT NULL OR NEW.needs_second AND actor = OLD.proposed_by THEN
            RAISE EXCEPTION 'a merge is confirmed once, by a second person' USING ERRCODE = '42501';
        END IF;
        NEW.confirmed_by := actor;
    END IF;
    IF NEW.end_proposed_by IS DISTINCT FROM OLD.end_proposed_by THEN
        NEW.end_proposed_by := actor;
    END IF;
    IF NEW.valid_to IS DISTINCT FROM OLD.valid_to THEN
        IF OLD.valid_to IS NOT NULL OR OLD.needs_second AND OLD.valid_from IS NOT NULL
            AND (OLD.end_proposed_by IS NULL OR OLD.end_proposed_by = actor) THEN
            RAISE EXCEPTION 'a merge is ended once, by a second person' USING ERRCODE = '42501';
        END IF;
        NEW.ended_by := actor;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER alias_two_people BEFORE INSERT OR UPDATE ON registry_alias
FOR EACH ROW EXECUTE FUNCTION khana_private.registry_alias_two_people();
REVOKE ALL ON FUNCTION khana_private.registry_alias_two_people() FROM PUBLIC;
