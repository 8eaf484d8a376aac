-- Signatures checked inside the database, which has no extension for it: ES256 (FIPS 186-5, 6.4.2, on P-256 of SP 800-186) and
-- RS256 (RFC 8017, 8.2.2). Plain arithmetic on public values, so nothing here needs to hide how long it takes. A process that
-- can call these learns nothing: what it cannot do is open a session without a signature that fits.
CREATE FUNCTION khana_private.number_of(p_bytes bytea) RETURNS numeric
LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN length(p_bytes) = 0 THEN 0 ELSE ('0x' || encode(p_bytes, 'hex'))::numeric END
$$;

CREATE FUNCTION khana_private.number_power(p_base numeric, p_exponent numeric, p_modulus numeric) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result numeric := 1;
    base numeric := mod(p_base, p_modulus);
    rest numeric := p_exponent;
BEGIN
    WHILE rest > 0 LOOP
        IF mod(rest, 2) = 1 THEN
            result := mod(result * base, p_modulus);
        END IF;
        base := mod(base * base, p_modulus);
        rest := div(rest, 2);
    END LOOP;
    RETURN result;
END $$;

-- Jacobian coordinates (X, Y, Z); Z = 0 is the point at infinity. Remainders may be negative: they are compared by difference.
CREATE FUNCTION khana_private.signature_es256(p_key bytea, p_signature bytea, p_hash bytea) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    p CONSTANT numeric := '0xffffffff00000001000000000000000000000000ffffffffffffffffffffffff';
    n CONSTANT numeric := '0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551';
    b CONSTANT numeric := '0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b';
    gx CONSTANT numeric := '0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296';
    gy CONSTANT numeric := '0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5';
    qx numeric; qy numeric; r numeric; s numeric; w numeric; u1 numeric; u2 numeric;
    bits1 numeric[] := '{}'; bits2 numeric[] := '{}';
    slope numeric; tx numeric; ty numeric;
    x numeric := 1; y numeric := 1; z numeric := 0;
    ax numeric; ay numeric;
    t1 numeric; t2 numeric; t3 numeric; t4 numeric; h numeric; d numeric;
BEGIN
    IF length(p_key) IS DISTINCT FROM 64 OR length(p_signature) IS DISTINCT FROM 64 OR length(p_hash) IS DISTINCT FROM 32 THEN
        RETURN false;
    END IF;
    qx := khana_private.number_of(substring(p_key FROM 1 FOR 32));
    qy := khana_private.number_of(substring(p_key FROM 33 FOR 32));
    r := khana_private.number_of(substring(p_signature FROM 1 FOR 32));
    s := khana_private.number_of(substring(p_signature FROM 33 FOR 32));
    -- a key that is the base point or its opposite is nobody's; one that is not on the curve is none
    IF qx >= p OR qy >= p OR qx = gx OR mod(qy * qy - qx * qx * qx + 3 * qx - b, p) <> 0 THEN
        RETURN false;
    END IF;
    IF r < 1 OR s < 1 OR r >= n OR s >= n THEN
        RETURN false;
    END IF;
    w := khana_private.number_power(s, n - 2, n);
    u1 := mod(khana_private.number_of(p_hash) * w, n);
    u2 := mod(r * w, n);
    slope := mod((qy - gy) * khana_private.number_power(mod(qx - gx + p, p), p - 2, p), p);
    tx := mod(slope * slope - gx - qx, p);
    ty := mod(slope * (gx - tx) - gy, p);
    FOR i IN 1..256 LOOP
        bits1 := bits1 || mod(u1, 2); bits2 := bits2 || mod(u2, 2);
        u1 := div(u1, 2); u2 := div(u2, 2);
    END LOOP;
    FOR i IN REVERSE 256..1 LOOP
        IF z <> 0 THEN  -- double
            t1 := mod(z * z, p); t2 := mod(y * y, p); t3 := mod(x * t2, p);
            t4 := mod(3 * (x - t1) * (x + t1), p);
            x := mod(t4 * t4 - 8 * t3, p);
            z := mod((y + z) * (y + z) - t2 - t1, p);
            y := mod(t4 * (4 * t3 - x) - 8 * t2 * t2, p);
        END IF;
        IF bits1[i] = 0 AND bits2[i] = 0 THEN
            CONTINUE;
        END IF;
        ax := CASE WHEN bits2[i] = 0 THEN gx WHEN bits1[i] = 0 THEN qx ELSE tx END;
        ay := CASE WHEN bits2[i] = 0 THEN gy WHEN bits1[i] = 0 THEN qy ELSE ty END;
        IF z = 0 THEN
            x := ax; y := ay; z := 1;
            CONTINUE;
        END IF;
        t1 := mod(z * z, p);
        h := mod(ax * t1 - x, p);
        d := mod(ay * z * t1 - y, p);
        IF h = 0 AND d = 0 THEN  -- the same point: double
            t2 := mod(y * y, p); t3 := mod(x * t2, p);
            t4 := mod(3 * (x - t1) * (x + t1), p);
            x := mod(t4 * t4 - 8 * t3, p);
            z := mod((y + z) * (y + z) - t2 - t1, p);
            y := mod(t4 * (4 * t3 - x) - 8 * t2 * t2, p);
        ELSIF h = 0 THEN  -- its opposite
            z := 0;
        ELSE
            t2 := mod(h * h, p); t3 := mod(h * t2, p); t4 := mod(x * t2, p);
            x := mod(d * d - t3 - 2 * t4, p);
            y := mod(d * (t4 - x) - y * t3, p);
            z := mod(z * h, p);
        END IF;
    END LOOP;
    IF z = 0 THEN
        RETURN false;
    END IF;
    t1 := mod(z * z, p);
    RETURN mod(x - r * t1, p) = 0 OR (r + n < p AND mod(x - (r + n) * t1, p) = 0);
END $$;

-- the public exponent is 65537 and no other
CREATE FUNCTION khana_private.signature_rs256(p_modulus bytea, p_signature bytea, p_hash bytea) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    size integer := length(p_modulus);
    modulus numeric;
    signature numeric;
    wanted bytea;
BEGIN
    IF size IS NULL OR size < 256 OR size > 512 OR length(p_signature) IS DISTINCT FROM size
       OR length(p_hash) IS DISTINCT FROM 32 OR get_byte(p_modulus, 0) < 128 THEN
        RETURN false;
    END IF;
    modulus := khana_private.number_of(p_modulus);
    signature := khana_private.number_of(p_signature);
    IF signature >= modulus THEN
        RETURN false;
    END IF;
    wanted := decode('0001' || repeat('ff', size - 54) || '00' || '3031300d060960864801650304020105000420', 'hex') || p_hash;
    RETURN khana_private.number_power(signature, 65537, modulus) = khana_private.number_of(wanted);
END $$;

CREATE FUNCTION khana_private.signature_is_good(p_algorithm text, p_key bytea, p_signature bytea, p_message bytea)
RETURNS boolean LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(CASE p_algorithm
        WHEN 'ES256' THEN khana_private.signature_es256(p_key, p_signature, sha256(p_message))
        WHEN 'RS256' THEN khana_private.signature_rs256(p_key, p_signature, sha256(p_message)) END, false)
$$;
REVOKE ALL ON FUNCTION khana_private.number_of(bytea), khana_private.number_power(numeric, numeric, numeric),
    khana_private.signature_es256(bytea, bytea, bytea), khana_private.signature_rs256(bytea, bytea, bytea),
    khana_private.signature_is_good(text, bytea, bytea, bytea) FROM PUBLIC;
