-- What a token may do. A transaction sets only an opaque token (SET LOCAL khana.token); these
-- definer functions alone resolve it. All are stable, so that a policy asks them once a statement.
CREATE SCHEMA khana_private;
REVOKE ALL ON SCHEMA khana_private FROM PUBLIC;
GRANT USAGE ON SCHEMA khana_private TO khana_web, khana_worker;

CREATE FUNCTION khana_private.access_actor() RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT s.user_id
    FROM public.access_session s JOIN public.access_user u ON u.id = s.user_id
    WHERE s.token_hash = sha256(convert_to(nullif(current_setting('khana.token', true), ''), 'UTF8'))
      AND u.is_active AND s.confirmed_at IS NOT NULL AND s.closed_at IS NULL AND s.expires_at > now()
$$;

CREATE FUNCTION khana_private.access_grants(p_permission text)
RETURNS TABLE (area_path text, agency text)
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT DISTINCT g.area_path, g.agency
    FROM public.access_grant g JOIN public.access_rolepermission r ON r.role = g.role
    WHERE g.user_id = khana_private.access_actor() AND r.permission = p_permission
      AND g.valid_from <= now() AND (g.valid_to IS NULL OR g.valid_to > now())
$$;

CREATE FUNCTION khana_private.access_has(p_permission text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (SELECT FROM khana_private.access_grants(p_permission))
$$;

-- a grant over everything: no area and no agency named
CREATE FUNCTION khana_private.access_everything(p_permission text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (SELECT FROM khana_private.access_grants(p_permission) g
                   WHERE g.area_path = '' AND g.agency = '')
$$;

-- areas of every grant, whatever its agency: for rows that have an area and no agency
CREATE FUNCTION khana_private.access_area_paths(p_permission text) RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(array_agg(g.area_path), '{}') FROM khana_private.access_grants(p_permission) g
$$;

-- areas of grants that name no agency: for rows that belong to agencies
CREATE FUNCTION khana_private.access_open_area_paths(p_permission text) RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(array_agg(g.area_path), '{}') FROM khana_private.access_grants(p_permission) g
    WHERE g.agency = ''
$$;

-- agencies of grants that name no area: for rows that have an agency and no area
CREATE FUNCTION khana_private.access_agencies(p_permission text) RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(array_agg(g.agency), '{}') FROM khana_private.access_grants(p_permission) g
    WHERE g.area_path = '' AND g.agency <> ''
$$;

-- agency and area of grants that name an agency, as one prefix (agency, unit separator, area)
CREATE FUNCTION khana_private.access_agency_areas(p_permission text) RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(array_agg(g.agency || chr(31) || g.area_path), '{}')
    FROM khana_private.access_grants(p_permission) g WHERE g.agency <> ''
$$;

-- the operator of the database itself: migrations and the first administrator
CREATE FUNCTION khana_private.access_is_owner() RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT pg_has_role(session_user, current_user, 'MEMBER')
$$;

CREATE FUNCTION khana_private.access_me()
RETURNS TABLE (id bigint, username text, display_name text, language text, kind text, permissions text[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT u.id, u.username, u.display_name, u.language::text, u.kind,
           ARRAY(SELECT DISTINCT r.permission
                 FROM public.access_grant g JOIN public.access_rolepermission r ON r.role = g.role
                 WHERE g.user_id = u.id AND g.valid_from <= now() AND (g.valid_to IS NULL OR g.valid_to > now())
                 ORDER BY r.permission)
    FROM public.access_user u WHERE u.id = khana_private.access_actor()
$$;

CREATE FUNCTION khana_private.access_my_grants()
RETURNS TABLE (role text, area_path text, agency text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT g.role, g.area_path, g.agency FROM public.access_grant g
    WHERE g.user_id = khana_private.access_actor()
      AND g.valid_from <= now() AND (g.valid_to IS NULL OR g.valid_to > now())
    ORDER BY g.id
$$;
