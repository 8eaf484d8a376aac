-- As in lists.sql; and who stood on a list of a disaster that is withdrawn may be drawn again.
CREATE OR REPLACE FUNCTION khana_private.programmes_list_moves() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
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
        IF NEW.state = 'WITHDRAWN' THEN
            UPDATE programmes_listentry SET state = 'REMOVED' WHERE list_id = OLD.id AND event_id IS NOT NULL;
        END IF;
    ELSIF NOT (OLD.state = 'FROZEN' AND NEW.state = 'PUBLISHED' AND NEW.frozen_hash = OLD.frozen_hash
               AND NEW.frozen_by = OLD.frozen_by AND NEW.frozen_at = OLD.frozen_at AND NEW.head_hash = OLD.head_hash) THEN
        RAISE EXCEPTION 'a list that is frozen, published or withdrawn stays as it is'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
