-- A model comes into use only when two different people approved it; whoever writes, the database counts.
CREATE FUNCTION khana_private.linkage_model_two_people() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NEW.state = 'ACTIVE' AND (TG_OP = 'INSERT' OR OLD.state <> 'ACTIVE')
        AND (SELECT count(DISTINCT a.approved_by) FROM public.linkage_approval a WHERE a.model_id = NEW.id) < 2 THEN
        RAISE EXCEPTION 'two people must approve a model before it is used' USING ERRCODE = '42501';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER model_two_people BEFORE INSERT OR UPDATE ON linkage_matchingmodel
FOR EACH ROW EXECUTE FUNCTION khana_private.linkage_model_two_people();

-- What a person decided is in her name, and no run replaces it.
CREATE FUNCTION khana_private.linkage_pair_decided_by() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor bigint := khana_private.access_actor();
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.decided_by := NULL;
    ELSIF NEW.decided_by IS DISTINCT FROM OLD.decided_by THEN
        NEW.decided_by := actor;
    ELSIF OLD.decided_by IS NOT NULL AND OLD.decided_by IS DISTINCT FROM actor THEN
        NEW.decision := OLD.decision;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER pair_decided_by BEFORE INSERT OR UPDATE ON linkage_pair
FOR EACH ROW EXECUTE FUNCTION khana_private.linkage_pair_decided_by();
REVOKE ALL ON FUNCTION khana_private.linkage_model_two_people() FROM PUBLIC;
REVOKE ALL ON FUNCTION khana_private.linkage_pair_decided_by() FROM PUBLIC;
