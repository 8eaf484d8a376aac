-- Who may call what. Functions are open to PUBLIC by default in PostgreSQL: closed here first.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA khana_private FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    khana_private.access_actor(), khana_private.access_grants(text), khana_private.access_has(text),
    khana_private.access_everything(text), khana_private.access_area_paths(text),
    khana_private.access_open_area_paths(text), khana_private.access_agencies(text),
    khana_private.access_agency_areas(text), khana_private.access_me(), khana_private.access_my_grants(),
    khana_private.access_salt(text), khana_private.access_open_session(text, bytea, text, interval),
    khana_private.access_pending(text), khana_private.access_confirm_second_factor(text, bigint),
    khana_private.access_close_session(text), khana_private.access_make_token(interval),
    khana_private.access_add_user(text, text, text, text, bytea, bytea, bytea, timestamptz),
    khana_private.access_add_grant(text, text, text, text, timestamptz),
    khana_private.access_end_grant(bigint, timestamptz),
    khana_private.access_reset_password(text, bytea, bytea, bytea, timestamptz),
    khana_private.access_set_active(text, boolean, timestamptz),
    khana_private.access_first_token(text, interval), khana_private.access_list_users(),
    khana_private.audit_record(text, text, jsonb, timestamptz),
    khana_private.audit_payload(public.audit_event), khana_private.audit_seal(integer)
TO khana_web, khana_worker;
GRANT EXECUTE ON FUNCTION khana_private.access_adopt_job(uuid) TO khana_worker;
