-- How far the chain is known to be complete: below `done` no event can appear any more that has no seal.
-- `next` is to become it. Five minutes after it was noted (a writer that has drawn a number has a transaction
-- by then) the next transaction's number is noted too, and once all before that are over, so is the waiting.
CREATE TABLE khana_private.audit_horizon (
    done bigint NOT NULL,
    next bigint,
    noted_at timestamptz,
    next_transaction xid8
);
INSERT INTO khana_private.audit_horizon (done) VALUES (0);

-- What the next pass of the sealer need not look at; moves the waiting on by one step.
-- Begun anew where numbers went back, and after a day: a copy from another server numbers transactions otherwise.
CREATE FUNCTION khana_private.audit_horizon_now() RETURNS khana_private.audit_horizon
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    held khana_private.audit_horizon;
    drawn bigint := (SELECT CASE WHEN s.is_called THEN s.last_value ELSE 0 END FROM public.audit_event_id_seq s);
BEGIN
    SELECT h.* INTO held FROM khana_private.audit_horizon h;
    IF held.done > drawn THEN
        held := ROW (0, drawn, clock_timestamp(), NULL);
    ELSIF held.next IS NULL OR held.noted_at < clock_timestamp() - interval '1 day' THEN
        held := ROW (held.done, drawn, clock_timestamp(), NULL);
    ELSIF held.next_transaction IS NULL AND held.noted_at < clock_timestamp() - interval '5 minutes' THEN
        held.next_transaction := pg_snapshot_xmax(pg_current_snapshot());
    END IF;
    UPDATE khana_private.audit_horizon
    SET done = held.done, next = held.next, noted_at = held.noted_at, next_transaction = held.next_transaction;
    RETURN held;
END $$;
REVOKE ALL ON FUNCTION khana_private.audit_horizon_now() FROM PUBLIC;

-- Bind events without a seal into the chain, one sealer at a time. The order of the chain is that
-- of the seals: an event whose transaction was long is sealed later than its number suggests.
-- Only events above the horizon are looked at, so that a pass costs what is new and not what is there.
CREATE OR REPLACE FUNCTION khana_private.audit_seal(p_limit integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    e public.audit_event;
    last bytea;
    following bytea;
    sealed integer := 0;
    last_event bigint := 0;
    held khana_private.audit_horizon;
    is_over boolean;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtext('khana audit seal')) THEN
        RETURN 0;
    END IF;
    held := khana_private.audit_horizon_now();
    is_over := coalesce(pg_snapshot_xmin(pg_current_snapshot()) >= held.next_transaction, false);
    SELECT s.hash INTO last FROM public.audit_seal s ORDER BY s.id DESC LIMIT 1;
    last := coalesce(last, decode(repeat('00', 32), 'hex'));
    FOR e IN SELECT v.* FROM public.audit_event v
             WHERE v.id > held.done AND NOT EXISTS (SELECT FROM public.audit_seal s WHERE s.event_id = v.id)
             ORDER BY v.id LIMIT p_limit
    LOOP
        following := sha256(last || convert_to(khana_private.audit_payload(e), 'UTF8'));
        INSERT INTO public.audit_seal (event_id, previous_hash, hash) VALUES (e.id, last, following);
        last := following;
        last_event := e.id;
        sealed := sealed + 1;
    END LOOP;
    IF is_over AND (sealed < p_limit OR last_event >= held.next) THEN
        UPDATE khana_private.audit_horizon SET done = held.next, next = NULL, noted_at = NULL, next_transaction = NULL;
    END IF;
    RETURN sealed;
END $$;
