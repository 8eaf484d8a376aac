-- Unusual reading, from the log itself: what officers read one by one in the last day. Kinds and thresholds are said in
-- docs/how-to/data-protection.md; each finding is one alarm a day and a user. What
-- somebody usually reads is told by the days before the last: an hour that is judged is no measure of itself.
CREATE OR REPLACE FUNCTION khana_private.access_watch(p_zone text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found record;
    raised integer := 0;
BEGIN
    IF session_user <> 'khana_worker' AND NOT khana_private.access_is_owner()
       AND NOT khana_private.access_everything('alarms.read') THEN
        RAISE EXCEPTION 'not permitted' USING ERRCODE = 'KH403', DETAIL = 'alarms.read';
    END IF;
    FOR found IN
        WITH reading AS (
            SELECT e.id, e.actor_id, e.subject, e.at, (e.at AT TIME ZONE p_zone) AS local_at
            FROM public.audit_event e JOIN public.access_user u ON u.id = e.actor_id AND u.kind = 'STAFF'
            WHERE e.at > now() - interval '30 days' AND e.at <= now()
              AND (e.subject LIKE 'person:%' OR e.subject LIKE 'household:%' OR e.subject LIKE 'recipient:%')
              AND (e.action LIKE '%.read' OR e.action LIKE '%looked_up' OR e.action LIKE '%.opened')
        ), hourly AS (
            SELECT actor_id, date_trunc('hour', at) AS hour, count(DISTINCT subject) AS files FROM reading GROUP BY 1, 2
        ), usual AS (
            SELECT actor_id, percentile_cont(0.5) WITHIN GROUP (ORDER BY files) AS median FROM hourly
            WHERE hour <= now() - interval '1 day' GROUP BY actor_id
        ), numbered AS (
            SELECT actor_id, at, split_part(subject, ':', 1) AS kind,
                   (regexp_match(subject, '([0-9]{1,17})$'))[1]::bigint AS number
            FROM (SELECT DISTINCT ON (actor_id, subject) actor_id, subject, at FROM reading
                  WHERE at > now() - interval '1 day' ORDER BY actor_id, subject, at) d
            WHERE subject ~ '[0-9]{1,17}$'
        ), islands AS (
            SELECT actor_id, kind, number - row_number() OVER (PARTITION BY actor_id, kind ORDER BY number) AS island,
                   number FROM numbered
        )
        SELECT 'VOLUME' AS kind, h.actor_id, h.hour::date AS day,
               jsonb_build_object('hour', h.hour, 'files', h.files, 'usual', u.median) AS details
        FROM hourly h LEFT JOIN usual u USING (actor_id)
        WHERE h.hour > now() - interval '1 day' AND h.files > greatest(60, 5 * coalesce(u.median, 0))
        UNION ALL
        SELECT 'HOUR', r.actor_id, r.local_at::date, jsonb_build_object('files', count(DISTINCT r.subject))
        FROM reading r WHERE r.at > now() - interval '1 day' AND extract(hour FROM r.local_at) NOT BETWEEN 6 AND 21
        GROUP BY r.actor_id, r.local_at::date HAVING count(DISTINCT r.subject) >= 10
        UNION ALL
        SELECT 'SEQUENCE', i.actor_id, current_date,
               jsonb_build_object('of', i.kind, 'from', min(i.number), 'to', max(i.number), 'files', count(*))
        FROM islands i GROUP BY i.actor_id, i.kind, i.island HAVING count(*) >= 8
        UNION ALL
        SELECT w.kind, r.actor_id, r.at::date, jsonb_build_object('subject', w.subject, 'event', min(r.id))
        FROM reading r JOIN public.access_watchedsubject w ON w.subject = r.subject
          AND (w.user_id IS NULL OR w.user_id = r.actor_id)
        WHERE r.at > now() - interval '1 day' GROUP BY w.kind, w.subject, r.actor_id, r.at::date
    LOOP
        IF khana_private.access_raise_alarm(found.kind, found.actor_id, found.details,
            concat_ws(':', found.kind, found.actor_id, found.day, found.details->>'subject', found.details->>'from'), 72) THEN
            raised := raised + 1;
        END IF;
    END LOOP;
    RETURN raised;
END $$;
