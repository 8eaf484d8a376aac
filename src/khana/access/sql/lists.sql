-- Erasure of deliveries by rule: first the rows of a list, then the file that was kept. What is in force stays: the newest delivery of
-- each programme of a source, what the current consolidation read, and what a hold, an open decision or a benefit under way needs. Batches are never
-- removed: their counts and hashes stay, a tombstone says what is gone, and the event log is not touched.

-- numbers of persons under a hold: every number of every file that is hers
CREATE OR REPLACE VIEW khana_private.retention_held_token AS
SELECT i.token FROM public.registry_identifier i WHERE i.person_id IN (
    SELECT f FROM public.access_legalhold h,
        LATERAL (SELECT CASE WHEN h.subject ~ '^person:[0-9]{1,18}$' THEN substr(h.subject, 8)::bigint END AS who) p,
        LATERAL khana_private.registry_files_of(khana_private.registry_current(p.who)) f
    WHERE h.ended_at IS NULL AND h.rule IN ('*', 'LISTS') AND p.who IS NOT NULL);

-- numbers about which something is open: a stop under way, a decision that was opened again, a case that waits for an answer
CREATE OR REPLACE VIEW khana_private.retention_open_token AS
SELECT s.id_token AS token FROM public.beneficiaries_stop s
WHERE s.state IN ('PROPOSED', 'NOTIFIED', 'APPEALED', 'UPHELD', 'REOPENED') AND s.id_token IS NOT NULL
UNION ALL
SELECT s.id_token FROM public.beneficiaries_reopened r JOIN public.beneficiaries_stop s ON s.id = r.subject_id
WHERE r.subject = 'stop' AND r.state = 'OPEN' AND s.id_token IS NOT NULL
UNION ALL
SELECT e.id_token FROM public.beneficiaries_reopened r JOIN public.beneficiaries_enrolment e ON e.id = r.subject_id
WHERE r.subject = 'enrolment' AND r.state = 'OPEN'
UNION ALL
SELECT a.id_token FROM public.beneficiaries_reopened r JOIN public.beneficiaries_answer a ON a.id = r.subject_id
WHERE r.subject = 'answer' AND r.state = 'OPEN'
UNION ALL
SELECT i.token FROM public.grievances_case c JOIN public.registry_identifier i ON i.person_id = c.person_id WHERE c.state = 'OPEN';

-- one row a row of a list: why it stays where its list is over. A row whose area is not known may lie in any area that is held.
CREATE OR REPLACE VIEW khana_private.retention_list_row AS
SELECT b.id, b.batch_id, CASE
    WHEN EXISTS (SELECT FROM public.access_legalhold h WHERE h.ended_at IS NULL AND h.rule IN ('*', 'LISTS')
            AND h.subject ^@ 'area:' AND (b.area_path = '' OR b.area_path ^@ substr(h.subject, 6)))
        OR b.id_token IN (SELECT t.token FROM khana_private.retention_held_token t)
        OR b.payee_id_token IN (SELECT t.token FROM khana_private.retention_held_token t) THEN 'held'
    WHEN EXISTS (SELECT FROM public.beneficiaries_enrolment e WHERE e.programme = b.programme AND e.id_token = b.id_token
            AND e.state NOT IN ('EXITED', 'GRADUATED', 'DECLINED')
            AND (e.batch_id = b.batch_id OR (e.state = 'SUSPENDED' AND e.reason = 'PAYMENT_RETURNED')))
        OR b.id_token IN (SELECT t.token FROM khana_private.retention_open_token t)
        OR b.payee_id_token IN (SELECT t.token FROM khana_private.retention_open_token t) THEN 'needed'
    ELSE '' END AS kept
FROM public.beneficiaries_benefit b;

-- a hold on persons or areas may lie on what nobody can look into: a quarantined row, a file of a register
CREATE OR REPLACE FUNCTION khana_private.retention_may_be_held(p_rule text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (SELECT FROM public.access_legalhold h WHERE h.ended_at IS NULL AND h.rule IN ('*', p_rule)
        AND (h.subject ^@ 'area:' OR h.subject ^@ 'person:'))
$$;

-- what stands against taking the rows of one delivery: held, run (the current consolidation read them), or nothing
CREATE OR REPLACE FUNCTION khana_private.retention_list_waits(p_batch bigint) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE
        WHEN khana_private.retention_is_held('LISTS', 'batch:' || b.id)
            OR khana_private.retention_is_held('LISTS', 'batch:' || coalesce(b.replays_id, b.id)) THEN 'held'
        WHEN EXISTS (SELECT FROM public.beneficiaries_run r WHERE r.inputs ? b.id::text AND (r.state = 'RUNNING'
            OR r.id = (SELECT max(l.id) FROM public.beneficiaries_run l WHERE l.state = 'DONE'))) THEN 'run'
        ELSE '' END
    FROM public.deliveries_batch b WHERE b.id = p_batch
$$;

-- Deliveries whose rows are over: replaced so long ago, or newer ones of the source stand for each programme that it speaks of and its
-- last period ended so long ago.
-- A list that is kept in our own pages is over only by the end of a period that it states. Corrections go with what they correct.
CREATE OR REPLACE FUNCTION khana_private.retention_lists_over(p_before timestamptz) RETURNS TABLE (batch_id bigint, waits text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH loaded AS MATERIALIZED (
        SELECT b.id, b.source_code, b.replays_id, b.replaced_by_id, b.over_at, b.loaded_at,
               coalesce((SELECT s.is_kept_here FROM public.beneficiaries_source s WHERE s.code = b.source_code), false) AS is_kept_here
        FROM public.deliveries_batch b WHERE b.entity = 'benefit' AND b.state = 'LOADED'
    ), standing AS (
        SELECT l.id, l.source_code, l.loaded_at FROM loaded l
        WHERE l.replays_id IS NULL AND l.replaced_by_id IS NULL AND l.over_at IS NULL
    ), newest AS (
        SELECT s.source_code, max(s.id) AS id FROM standing s GROUP BY s.source_code
    ), said AS MATERIALIZED (  -- which programmes each delivery speaks of, where a source has an old one beside its newest
        SELECT DISTINCT s.source_code, s.id, r.programme FROM standing s
        JOIN loaded c ON c.id = s.id OR c.replays_id = s.id JOIN public.beneficiaries_benefit r ON r.batch_id = c.id
        WHERE s.source_code IN (SELECT o.source_code FROM standing o JOIN newest w USING (source_code)
                                WHERE o.id < w.id AND o.loaded_at < p_before)
    ), last AS (
        SELECT DISTINCT max(s.id) AS id FROM said s GROUP BY s.source_code, s.programme
    ), root AS (
        SELECT b.id FROM loaded b LEFT JOIN loaded n ON n.id = b.replaced_by_id LEFT JOIN newest w ON w.source_code = b.source_code
        WHERE b.replays_id IS NULL AND b.loaded_at < p_before AND CASE
            WHEN b.over_at IS NOT NULL THEN true
            WHEN b.replaced_by_id IS NOT NULL THEN n.loaded_at < p_before
            ELSE b.id < w.id AND NOT EXISTS (SELECT FROM last t WHERE t.id = b.id) AND NOT EXISTS (
                SELECT FROM loaded c JOIN public.beneficiaries_benefit r ON r.batch_id = c.id
                WHERE (c.id = b.id OR c.replays_id = b.id) AND p_before::date <= coalesce(r.period_end,
                    CASE WHEN b.is_kept_here THEN 'infinity'::date ELSE coalesce(r.period_start, b.loaded_at::date) END))
            END
    )
    SELECT l.id, khana_private.retention_list_waits(l.id) FROM loaded l
    WHERE EXISTS (SELECT FROM root o WHERE o.id = coalesce(l.replays_id, l.id)) ORDER BY l.id
$$;

-- Take what is over out of force, so that no later consolidation reads it; return the deliveries whose rows may go now.
CREATE OR REPLACE FUNCTION khana_private.retention_lists_due(p_before timestamptz) RETURNS TABLE (batch_id bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    taken bigint[];
BEGIN
    PERFORM khana_private.access_worker_or('retention.run');
    IF p_before > now() THEN
        RAISE EXCEPTION 'not over yet' USING ERRCODE = 'KH409', DETAIL = 'retention';
    END IF;
    WITH moved AS (
        UPDATE public.deliveries_batch b SET over_at = now() FROM khana_private.retention_lists_over(p_before) o
        WHERE o.batch_id = b.id AND b.over_at IS NULL AND o.waits <> 'held' RETURNING b.id)
    SELECT array_agg(id ORDER BY id) INTO taken FROM moved;
    IF taken IS NOT NULL THEN
        PERFORM khana_private.audit_write(khana_private.access_actor(), 'access.retention.out_of_force', 'rule:LISTS',
            jsonb_build_object('batches', to_jsonb(taken), 'before', p_before), now());
    END IF;
    RETURN QUERY SELECT o.batch_id FROM khana_private.retention_lists_over(p_before) o
        WHERE o.waits = '' AND NOT EXISTS (SELECT FROM public.access_tombstone t
            WHERE t.batch_id = o.batch_id AND t.what = 'ROWS' AND t.is_whole) ORDER BY 1;
END $$;

-- One step of one delivery: at most so many rows, with what points at them; when none may go any more its quarantine too.
CREATE OR REPLACE FUNCTION khana_private.retention_lists_step(p_batch bigint, p_limit integer)
RETURNS TABLE (done bigint, findings bigint, pairs bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    gone bigint[];
    met bigint[];
    quarantined bigint := 0;
    kept bigint := 0;
    is_last boolean;
    stone public.access_tombstone;
BEGIN
    PERFORM khana_private.access_worker_or('retention.run');
    PERFORM FROM public.deliveries_batch b WHERE b.id = p_batch AND b.over_at IS NOT NULL FOR UPDATE;
    IF NOT FOUND OR khana_private.retention_list_waits(p_batch) <> '' THEN
        RETURN QUERY SELECT 0::bigint, 0::bigint, 0::bigint;
        RETURN;
    END IF;
    gone := ARRAY(SELECT r.id FROM khana_private.retention_list_row r WHERE r.batch_id = p_batch AND r.kept = '' LIMIT p_limit);
    done := cardinality(gone);
    met := ARRAY(SELECT p.id FROM public.linkage_pair p
                 WHERE (p.left_kind = 'ROW' AND p.left_id = ANY (gone)) OR (p.right_kind = 'ROW' AND p.right_id = ANY (gone)));
    DELETE FROM public.linkage_label l WHERE l.pair_id = ANY (met);
    DELETE FROM public.linkage_pair p WHERE p.id = ANY (met);
    GET DIAGNOSTICS pairs = ROW_COUNT;
    DELETE FROM public.beneficiaries_finding f WHERE f.benefit_id = ANY (gone);
    GET DIAGNOSTICS findings = ROW_COUNT;
    DELETE FROM public.beneficiaries_benefit b WHERE b.id = ANY (gone);
    is_last := done < p_limit;
    IF is_last THEN
        IF NOT khana_private.retention_may_be_held('LISTS')
           AND NOT khana_private.retention_is_held('QUARANTINE', 'batch:' || p_batch) THEN
            DELETE FROM public.deliveries_quarantinedrow q WHERE q.batch_id = p_batch;
            GET DIAGNOSTICS quarantined = ROW_COUNT;
        END IF;
        kept := (SELECT count(*) FROM public.beneficiaries_benefit b WHERE b.batch_id = p_batch)
            + (SELECT count(*) FROM public.deliveries_quarantinedrow q WHERE q.batch_id = p_batch);
    END IF;
    IF done + quarantined > 0 OR (is_last AND kept = 0) THEN
        INSERT INTO public.access_tombstone AS t (batch_id, what, rule, source_code, agency, file_name, sha256, size, rows_sha256,
                rows_erased, rows_kept, is_whole, erased_at, erased_by)
        SELECT b.id, 'ROWS', 'LISTS', b.source_code, b.agency, b.file_name, f.sha256, f.size, b.rows_sha256, done + quarantined, kept,
               is_last AND kept = 0, now(), khana_private.access_actor()
        FROM public.deliveries_batch b JOIN public.platform_storedfile f ON f.id = b.file_id WHERE b.id = p_batch
        ON CONFLICT (batch_id, what) DO UPDATE SET rows_erased = t.rows_erased + EXCLUDED.rows_erased,
            rows_kept = EXCLUDED.rows_kept, is_whole = EXCLUDED.is_whole, erased_at = EXCLUDED.erased_at, erased_by = EXCLUDED.erased_by
        RETURNING t.* INTO stone;
        PERFORM khana_private.audit_write(khana_private.access_actor(), 'access.retention.erased', 'batch:' || p_batch,
            jsonb_build_object('rule', 'LISTS', 'rows', done, 'findings', findings, 'pairs', pairs, 'quarantined', quarantined,
                'kept', kept, 'sha256', stone.sha256, 'rows_sha256', stone.rows_sha256), now());
    END IF;
    RETURN NEXT;
END $$;

-- May one delivery let go of its file? A loaded list when its rows are gone, a loaded register when a newer one stands, what could
-- never be loaded by its age alone.
CREATE OR REPLACE FUNCTION khana_private.retention_file_over(p_batch bigint, p_rule text, p_before timestamptz) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE
        WHEN khana_private.retention_is_held(p_rule, 'batch:' || b.id)
            OR khana_private.retention_is_held(p_rule, 'batch:' || coalesce(b.replays_id, b.id)) THEN false
        WHEN b.state = 'LOADED' AND b.entity = 'benefit' THEN b.loaded_at < p_before AND EXISTS (
            SELECT FROM public.access_tombstone t WHERE t.batch_id = b.id AND t.what = 'ROWS' AND t.is_whole)
        WHEN khana_private.retention_may_be_held(p_rule) THEN false
        WHEN EXISTS (SELECT FROM public.deliveries_quarantinedrow q WHERE q.batch_id = b.id AND q.state = 'OPEN') THEN false
        WHEN b.state = 'LOADED' THEN b.loaded_at < p_before AND EXISTS (
            SELECT FROM public.deliveries_batch n WHERE n.state = 'LOADED' AND n.entity = b.entity AND n.source_code = b.source_code
            AND n.replays_id IS NULL AND n.id > coalesce(b.replays_id, b.id))
        ELSE b.state IN ('KEPT', 'FAILED') AND b.received_at < p_before END
    FROM public.deliveries_batch b WHERE b.id = p_batch
$$;

-- Which of some contents anything but a delivery names. Who may name one is asked of the catalogue (foreign keys to the store, and
-- columns that end in sha256), so that a new table counts by itself; one that this function may not read stops it.
CREATE OR REPLACE FUNCTION khana_private.retention_named(p_hashes text[]) RETURNS text[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    other record;
    more text[];
    named text[] := '{}';
BEGIN
    FOR other IN
        SELECT c.oid, c.relname, a.attname, a.attname ~ 'sha256$' AS is_hash,
               c.relforcerowsecurity AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = c.relname || '_owner')
               AS is_closed
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
          AND c.relname NOT IN ('platform_storedfile', 'deliveries_batch', 'access_tombstone')
          AND ((a.attname ~ 'sha256$' AND a.atttypid IN ('text'::regtype, 'varchar'::regtype))
               OR EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'f'
                          AND k.confrelid = 'public.platform_storedfile'::regclass AND k.conkey = ARRAY[a.attnum]))
    LOOP
        IF other.is_closed THEN
            RAISE EXCEPTION 'retention may not read %, which names kept contents', other.relname;
        END IF;
        IF other.is_hash THEN
            EXECUTE format('SELECT array_agg(DISTINCT t.%I::text) FROM public.%I t WHERE t.%I = ANY ($1)', other.attname, other.relname,
                other.attname) INTO more USING p_hashes;
        ELSE
            EXECUTE format('SELECT array_agg(DISTINCT f.sha256::text) FROM public.platform_storedfile f WHERE f.sha256 = ANY ($1)'
                ' AND f.id IN (SELECT t.%I FROM public.%I t)', other.attname, other.relname) INTO more USING p_hashes;
        END IF;
        named := named || coalesce(more, '{}');
    END LOOP;
    RETURN named;
END $$;

-- Contents that are over: every delivery of them is, and nothing else names them.
CREATE OR REPLACE FUNCTION khana_private.retention_files_over(p_rule text, p_before timestamptz, p_limit integer)
RETURNS TABLE (file_id bigint, sha256 text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    ids bigint[];
    hashes text[];
    named text[];
BEGIN
    SELECT array_agg(f.id ORDER BY f.id), array_agg(f.sha256::text ORDER BY f.id) INTO ids, hashes FROM (
        SELECT f.id, f.sha256 FROM public.platform_storedfile f WHERE f.stored_at < p_before
          AND EXISTS (SELECT FROM public.deliveries_batch b WHERE b.file_id = f.id AND (p_rule = 'FILES') = (b.state = 'LOADED')
                      AND NOT EXISTS (SELECT FROM public.access_tombstone t WHERE t.batch_id = b.id AND t.what = 'FILE'
                                      AND t.erased_at >= b.received_at))
          AND NOT EXISTS (SELECT FROM public.deliveries_batch b WHERE b.file_id = f.id
                          AND NOT (CASE WHEN p_rule = 'UNREAD' AND b.state = 'LOADED' THEN false
                                   ELSE khana_private.retention_file_over(b.id, p_rule, p_before) END))
        ORDER BY f.id LIMIT p_limit) f;
    IF ids IS NULL THEN
        RETURN;
    END IF;
    named := khana_private.retention_named(hashes);
    RETURN QUERY SELECT f.id, f.sha256::text FROM public.platform_storedfile f WHERE f.id = ANY (ids) AND f.sha256 <> ALL (named) ORDER BY f.id;
END $$;

-- One step: write down what goes and return the hashes; the caller removes the contents before it commits, so that a content is never
-- said to be gone while it stands. Who brings the same bytes meanwhile waits, or is waited for another night.
CREATE OR REPLACE FUNCTION khana_private.retention_files(p_rule text, p_before timestamptz, p_limit integer) RETURNS TABLE (sha256 text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    locked bigint[];
    one record;
BEGIN
    PERFORM khana_private.access_worker_or('retention.run');
    IF p_before > now() OR p_rule NOT IN ('FILES', 'UNREAD') THEN
        RAISE EXCEPTION 'not over yet' USING ERRCODE = 'KH409', DETAIL = 'retention';
    END IF;
    locked := ARRAY(SELECT f.file_id FROM khana_private.retention_files_over(p_rule, p_before, p_limit) f
                    WHERE pg_try_advisory_xact_lock(hashtextextended(f.sha256, 0)));
    FOR one IN  -- looked at again behind the locks: somebody may have brought one in between
        SELECT f.file_id, f.sha256 FROM khana_private.retention_files_over(p_rule, p_before, p_limit) f WHERE f.file_id = ANY (locked)
    LOOP
        INSERT INTO public.access_tombstone AS t (batch_id, what, rule, source_code, agency, file_name, sha256, size, rows_sha256,
                rows_erased, rows_kept, is_whole, erased_at, erased_by)
        SELECT b.id, 'FILE', p_rule, b.source_code, b.agency, b.file_name, f.sha256, f.size, b.rows_sha256, 0, 0, true, now(),
               khana_private.access_actor()
        FROM public.deliveries_batch b JOIN public.platform_storedfile f ON f.id = b.file_id WHERE b.file_id = one.file_id
        ON CONFLICT (batch_id, what) DO UPDATE SET rule = EXCLUDED.rule, erased_at = EXCLUDED.erased_at, erased_by = EXCLUDED.erased_by;
        PERFORM khana_private.audit_write(khana_private.access_actor(), 'access.retention.erased', 'batch:' || b.id,
            jsonb_build_object('rule', p_rule, 'sha256', one.sha256), now())
        FROM public.deliveries_batch b WHERE b.file_id = one.file_id;
        sha256 := one.sha256;
        RETURN NEXT;
    END LOOP;
END $$;

-- Contents that a killed process left in the store: no row speaks of them. The caller knows by the age of the file that nobody is
-- writing it; with `p_take` the hash is locked as `keep` locks it, so that who brings the same bytes waits or is passed over.
CREATE OR REPLACE FUNCTION khana_private.retention_leftovers(p_hashes text[], p_take boolean) RETURNS TABLE (sha256 text, is_held boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    held boolean := khana_private.retention_may_be_held('LEFTOVERS') OR khana_private.retention_is_held('LEFTOVERS', '');
    wanted text[] := p_hashes;
    named text[];
BEGIN
    PERFORM khana_private.access_worker_or('retention.run');
    IF p_take THEN
        IF held THEN
            RETURN;
        END IF;
        wanted := ARRAY(SELECT h FROM unnest(p_hashes) h WHERE pg_try_advisory_xact_lock(hashtextextended(h, 0)));
    END IF;
    named := khana_private.retention_named(wanted);  -- looked at behind the locks
    wanted := ARRAY(SELECT h FROM unnest(wanted) h WHERE h ~ '^[0-9a-f]{64}$' AND h <> ALL (named)
                    AND NOT EXISTS (SELECT FROM public.platform_storedfile f WHERE f.sha256 = h));
    IF p_take AND cardinality(wanted) > 0 THEN
        PERFORM khana_private.audit_write(khana_private.access_actor(), 'access.retention.erased', 'rule:LEFTOVERS',
            jsonb_build_object('contents', cardinality(wanted), 'sha256', to_jsonb(wanted)), now());
    END IF;
    RETURN QUERY SELECT h, held FROM unnest(wanted) h;
END $$;

-- Was a delivery of this content and source loaded once and erased since? Also where the asker may not see it.
CREATE OR REPLACE FUNCTION khana_private.retention_erased(p_sha256 text, p_source text)
RETURNS TABLE (batch_id bigint, rule text, erased_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT t.batch_id, t.rule, t.erased_at FROM public.access_tombstone t JOIN public.deliveries_batch b ON b.id = t.batch_id
    WHERE t.sha256 = p_sha256 AND t.source_code = p_source AND b.state = 'LOADED'
      AND khana_private.access_has('deliveries.write') ORDER BY t.what DESC, t.id LIMIT 1
$$;

-- A dry run: what would go at a day, and what keeps the rest. Writes nothing. Files of lists are told when their rows have gone.
CREATE OR REPLACE FUNCTION khana_private.retention_preview(p_rule text, p_before timestamptz)
RETURNS TABLE (batch_id bigint, source_code text, file_name text, goes bigint, held bigint, needed bigint, waits text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    PERFORM khana_private.access_worker_or('retention.run');
    IF p_rule = 'LISTS' THEN
        RETURN QUERY SELECT b.id, b.source_code, b.file_name, count(r.id) FILTER (WHERE r.kept = ''),
                count(r.id) FILTER (WHERE r.kept = 'held'), count(r.id) FILTER (WHERE r.kept = 'needed'), o.waits
            FROM khana_private.retention_lists_over(p_before) o JOIN public.deliveries_batch b ON b.id = o.batch_id
            LEFT JOIN khana_private.retention_list_row r ON r.batch_id = b.id
            WHERE NOT EXISTS (SELECT FROM public.access_tombstone t WHERE t.batch_id = b.id AND t.what = 'ROWS' AND t.is_whole)
            GROUP BY b.id, b.source_code, b.file_name, o.waits ORDER BY b.id;
    ELSIF p_rule IN ('FILES', 'UNREAD') THEN
        RETURN QUERY SELECT b.id, b.source_code, b.file_name, 1::bigint, 0::bigint, 0::bigint, ''
            FROM khana_private.retention_files_over(p_rule, p_before, 2147483647) f JOIN public.deliveries_batch b ON b.file_id = f.file_id
            ORDER BY b.id;
    ELSIF p_rule = 'MESSAGES' THEN
        RETURN QUERY SELECT NULL::bigint, '', '', count(*) FILTER (WHERE NOT m.is_held), count(*) FILTER (WHERE m.is_held), 0::bigint, ''
            FROM (SELECT khana_private.retention_is_held(p_rule, 'partner:' || o.partner_id) AS is_held FROM public.sharing_message o
                  WHERE o.received_at < p_before AND (o.request_ciphertext IS NOT NULL OR o.answer_ciphertext IS NOT NULL)) m;
    ELSIF p_rule = 'QUARANTINE' THEN
        RETURN QUERY SELECT NULL::bigint, '', '', count(*) FILTER (WHERE NOT q.is_held), count(*) FILTER (WHERE q.is_held), 0::bigint, ''
            FROM (SELECT khana_private.retention_is_held(p_rule, 'batch:' || o.batch_id) AS is_held FROM public.deliveries_quarantinedrow o
                  WHERE o.state IN ('REPLAYED', 'DISCARDED') AND o.changed_at < p_before) q;
    ELSIF p_rule = 'RESIDENTS' THEN
        RETURN QUERY SELECT NULL::bigint, '', '', count(*) FILTER (WHERE NOT r.is_held), count(*) FILTER (WHERE r.is_held), 0::bigint, ''
            FROM (SELECT khana_private.retention_is_held(p_rule, 'area:' || o.area_path) AS is_held FROM public.registry_resident o
                  WHERE o.superseded_at < p_before) r;
    ELSIF p_rule = 'PERSONS' THEN
        RETURN QUERY SELECT NULL::bigint, '', '', count(*) FILTER (WHERE s.against = ''), count(*) FILTER (WHERE s.against = 'held'),
                count(*) FILTER (WHERE s.against NOT IN ('', 'held')), ''
            FROM (SELECT khana_private.erasure_stands_against(p.id, p_rule, p_before) AS against FROM public.registry_person p
                  WHERE p.created_at < p_before AND EXISTS (SELECT FROM public.registry_personversion v WHERE v.person_id = p.id)
                    AND NOT EXISTS (SELECT FROM public.registry_membership m WHERE m.person_id = p.id AND m.superseded_at IS NULL
                                    AND m.is_member AND (m.valid_to IS NULL OR m.valid_to > p_before::date))) s;
    ELSE
        RAISE EXCEPTION 'no such rule' USING ERRCODE = 'KH404', DETAIL = 'rule';
    END IF;
END $$;

REVOKE ALL ON FUNCTION khana_private.retention_may_be_held(text),
    khana_private.retention_list_waits(bigint), khana_private.retention_lists_over(timestamptz),
    khana_private.retention_lists_due(timestamptz), khana_private.retention_lists_step(bigint, integer),
    khana_private.retention_file_over(bigint, text, timestamptz), khana_private.retention_files_over(text, timestamptz, integer),
    khana_private.retention_files(text, timestamptz, integer), khana_private.retention_erased(text, text),
    khana_private.retention_named(text[]), khana_private.retention_leftovers(text[], boolean),
    khana_private.retention_preview(text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION khana_private.retention_lists_due(timestamptz), khana_private.retention_lists_step(bigint, integer),
    khana_private.retention_files(text, timestamptz, integer), khana_private.retention_erased(text, text),
    khana_private.retention_leftovers(text[], boolean), khana_private.retention_preview(text, timestamptz) TO khana_web, khana_worker;
