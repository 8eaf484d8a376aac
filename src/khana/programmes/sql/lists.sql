-- A recorded change moves one entry of an open list and chains the list's hash; nothing else may move an entry.
CREATE FUNCTION khana_private.programmes_list_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    kept programmes_selectionlist;
BEGIN
    SELECT * INTO kept FROM programmes_selectionlist WHERE id = NEW.list_id FOR UPDATE;
    IF kept.id IS NULL OR kept.state <> 'OPEN' THEN
        RAISE EXCEPTION 'only an open list is changed' USING ERRCODE = 'insufficient_privilege';
    END IF;
    UPDATE programmes_listentry SET state = NEW.to_state
    WHERE list_id = NEW.list_id AND unit = NEW.unit AND state = NEW.from_state
      AND agency = NEW.agency AND area_path = NEW.area_path;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the entry is not in that state' USING ERRCODE = 'insufficient_privilege';
    END IF;
    UPDATE programmes_selectionlist SET head_hash = encode(sha256(convert_to(concat_ws(chr(31),
        head_hash, NEW.unit, NEW.kind, NEW.from_state, NEW.to_state, NEW.reason, NEW.minutes), 'UTF8')), 'hex')
    WHERE id = NEW.list_id;
    RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION khana_private.programmes_list_change() FROM PUBLIC;
CREATE TRIGGER programmes_list_change BEFORE INSERT ON programmes_listchange
    FOR EACH ROW EXECUTE FUNCTION khana_private.programmes_list_change();

-- An approval is of an open list as it stands, by somebody who did not draw it, for the list's own agency.
CREATE FUNCTION khana_private.programmes_list_approval() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    kept programmes_selectionlist;
BEGIN
    SELECT * INTO kept FROM programmes_selectionlist WHERE id = NEW.list_id FOR UPDATE;
    IF kept.id IS NULL OR kept.state <> 'OPEN' OR kept.head_hash <> NEW.head_hash OR kept.agency <> NEW.agency
       OR kept.created_by = NEW.actor_id THEN
        RAISE EXCEPTION 'an open list is approved as it stands, by somebody who did not draw it'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION khana_private.programmes_list_approval() FROM PUBLIC;
CREATE TRIGGER programmes_list_approval BEFORE INSERT ON programmes_listapproval
    FOR EACH ROW EXECUTE FUNCTION khana_private.programmes_list_approval();

-- A list is frozen with two approvals of what it says; what is frozen stays, but that it may be published.
CREATE FUNCTION khana_private.programmes_list_moves() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    signed integer;
BEGIN
    IF OLD.state = 'OPEN' AND NEW.state = 'FROZEN' THEN
        SELECT count(DISTINCT a.actor_id) INTO signed FROM programmes_listapproval a
        WHERE a.list_id = OLD.id AND a.head_hash = OLD.head_hash AND a.actor_id <> OLD.created_by;
        IF signed < 2 OR NEW.frozen_hash = '' OR NEW.head_hash <> OLD.head_hash THEN
            RAISE EXCEPTION 'two people who did not draw a list approve it before it is frozen'
                USING ERRCODE = 'insufficient_privilege';
        END IF;
    ELSIF OLD.state = 'OPEN' AND NEW.state IN ('OPEN', 'WITHDRAWN') THEN
        IF NEW.frozen_hash <> '' OR NEW.frozen_by IS NOT NULL OR NEW.frozen_at IS NOT NULL THEN
            RAISE EXCEPTION 'a list is frozen by its state' USING ERRCODE = 'insufficient_privilege';
        END IF;
    ELSIF NOT (OLD.state = 'FROZEN' AND NEW.state = 'PUBLISHED' AND NEW.frozen_hash = OLD.frozen_hash
               AND NEW.frozen_by = OLD.frozen_by AND NEW.frozen_at = OLD.frozen_at AND NEW.head_hash = OLD.head_hash) THEN
        RAISE EXCEPTION 'a list that is frozen, published or withdrawn stays as it is'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION khana_private.programmes_list_moves() FROM PUBLIC;
CREATE TRIGGER programmes_list_moves BEFORE UPDATE ON programmes_selectionlist
    FOR EACH ROW EXECUTE FUNCTION khana_private.programmes_list_moves();

-- Entries come with their list while it is open, as they were drawn.
CREATE FUNCTION khana_private.programmes_entries_come() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM (SELECT DISTINCT list_id FROM arrived) a
               LEFT JOIN programmes_selectionlist l ON l.id = a.list_id WHERE l.state IS DISTINCT FROM 'OPEN') THEN
        RAISE EXCEPTION 'entries come to an open list' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION khana_private.programmes_entries_come() FROM PUBLIC;
CREATE TRIGGER programmes_entries_come AFTER INSERT ON programmes_listentry
    REFERENCING NEW TABLE AS arrived FOR EACH STATEMENT EXECUTE FUNCTION khana_private.programmes_entries_come();

-- What was decided once stays: appeals against filters and proposals.
CREATE FUNCTION khana_private.programmes_decided_once() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF OLD.decided_by IS NOT NULL THEN
        RAISE EXCEPTION 'what is decided stays as it is' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION khana_private.programmes_decided_once() FROM PUBLIC;
CREATE TRIGGER programmes_appeal_once BEFORE UPDATE ON programmes_filterappeal
    FOR EACH ROW EXECUTE FUNCTION khana_private.programmes_decided_once();
CREATE TRIGGER programmes_proposal_once BEFORE UPDATE ON programmes_proposal
    FOR EACH ROW EXECUTE FUNCTION khana_private.programmes_decided_once();
