-- A mandate: a grant that counts only in a transaction that names it (SET LOCAL khana.mandate). Naming a mandate
-- that one does not hold gives nothing. The same setting, the purpose and the request go into every event.
CREATE OR REPLACE FUNCTION khana_private.access_grants(p_permission text)
RETURNS TABLE (area_path text, agency text)
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT DISTINCT g.area_path, g.agency
    FROM public.access_grant g JOIN public.access_rolepermission r ON r.role = g.role
    WHERE g.user_id = khana_private.access_actor() AND r.permission = p_permission
      AND g.valid_from <= now() AND (g.valid_to IS NULL OR g.valid_to > now())
      AND (g.mandate = '' OR g.mandate = current_setting('khana.mandate', true))
$$;

CREATE OR REPLACE FUNCTION khana_private.access_me()
RETURNS TABLE (id bigint, username text, display_name text, language text, kind text, permissions text[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT u.id, u.username, u.display_name, u.language::text, u.kind,
           ARRAY(SELECT DISTINCT r.permission
                 FROM public.access_grant g JOIN public.access_rolepermission r ON r.role = g.role
                 WHERE g.user_id = u.id AND g.valid_from <= now() AND (g.valid_to IS NULL OR g.valid_to > now())
                   AND (g.mandate = '' OR g.mandate = current_setting('khana.mandate', true))
                 ORDER BY r.permission)
    FROM public.access_user u WHERE u.id = khana_private.access_actor()
$$;

CREATE OR REPLACE FUNCTION khana_private.access_my_grants()
RETURNS TABLE (role text, area_path text, agency text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT g.role, g.area_path, g.agency FROM public.access_grant g
    WHERE g.user_id = khana_private.access_actor()
      AND g.valid_from <= now() AND (g.valid_to IS NULL OR g.valid_to > now())
      AND (g.mandate = '' OR g.mandate = current_setting('khana.mandate', true))
    ORDER BY g.id
$$;

-- The agreement of an event is the mandate only where the actor holds it at this moment.
CREATE OR REPLACE FUNCTION khana_private.audit_write(
    p_actor bigint, p_action text, p_subject text, p_details jsonb, p_at timestamptz)
RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO public.audit_event (at, actor_id, actor_label, action, subject, details, purpose, agreement, request)
    VALUES (coalesce(p_at, now()), p_actor,
            coalesce((SELECT u.username FROM public.access_user u WHERE u.id = p_actor), session_user::text),
            p_action, p_subject, coalesce(p_details, '{}'),
            left(coalesce(current_setting('khana.purpose', true), ''), 99),
            CASE WHEN coalesce(current_setting('khana.mandate', true), '') = '' THEN ''
                 ELSE coalesce((SELECT g.mandate FROM public.access_grant g
                     WHERE g.user_id = p_actor AND g.mandate = current_setting('khana.mandate', true)
                       AND g.valid_from <= now() AND (g.valid_to IS NULL OR g.valid_to > now()) LIMIT 1), '') END,
            left(coalesce(current_setting('khana.request', true), ''), 99))
    RETURNING id
$$;

-- An event without purpose, agreement and request is bound as it always was: old chains stay true.
CREATE OR REPLACE FUNCTION khana_private.audit_payload(e public.audit_event) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN e.purpose = '' AND e.agreement = '' AND e.request = ''
        THEN jsonb_build_array(e.id, (extract(epoch FROM e.at) * 1000000)::bigint, e.actor_id,
                               e.actor_label, e.action, e.subject, e.details)::text
        ELSE jsonb_build_array(e.id, (extract(epoch FROM e.at) * 1000000)::bigint, e.actor_id,
                               e.actor_label, e.action, e.subject, e.details, e.purpose, e.agreement, e.request)::text
        END
$$;
