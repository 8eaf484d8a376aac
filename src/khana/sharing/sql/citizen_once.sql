-- A code opens her file once: it is exchanged for a key of the browser that asked for it, and is worth nothing afterwards.

-- The person behind a number and a code or key; five wrong ones end the newest. Does not raise: a wrong try must be counted.
CREATE OR REPLACE FUNCTION khana_private.citizen_who(p_tokens bytea[], p_code_hash bytea, p_at timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found public.sharing_citizencode;
BEGIN
    SELECT c.* INTO found FROM public.sharing_citizencode c
    WHERE c.token = ANY (p_tokens) AND c.expires_at > p_at AND c.tries < 5
    ORDER BY c.code_hash = p_code_hash DESC, c.id DESC LIMIT 1 FOR UPDATE;
    IF found.id IS NULL THEN
        RETURN NULL;
    END IF;
    IF found.code_hash <> p_code_hash THEN
        UPDATE public.sharing_citizencode SET tries = tries + 1 WHERE id = found.id;
        RETURN NULL;
    END IF;
    UPDATE public.sharing_citizencode SET used_at = coalesce(used_at, p_at) WHERE id = found.id;
    RETURN found.person_id;
END $$;

-- Exchange a code for a key; says whether the code was right.
CREATE FUNCTION khana_private.citizen_enter(p_tokens bytea[], p_code_hash bytea, p_key_hash bytea, p_at timestamptz) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF khana_private.citizen_who(p_tokens, p_code_hash, p_at) IS NULL THEN
        RETURN false;
    END IF;
    UPDATE public.sharing_citizencode c SET code_hash = p_key_hash
    WHERE c.token = ANY (p_tokens) AND c.code_hash = p_code_hash AND c.expires_at > p_at;
    RETURN true;
END $$;
REVOKE ALL ON FUNCTION khana_private.citizen_enter(bytea[], bytea, bytea, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION khana_private.citizen_enter(bytea[], bytea, bytea, timestamptz) TO khana_web, khana_worker;
