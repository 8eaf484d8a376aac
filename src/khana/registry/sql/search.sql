-- Names like the one that is asked for, among the persons whom the session may read.
--
-- Two steps keep writing cheap and reading quick. An index holds the words of every person's names
-- (a third of the cost of trigrams over whole names); a small table of its own holds each distinct
-- word once, and finds the words that are like a misspelt one: by trigrams, and by the skeleton of
-- consonants that romanised names keep (Parveen, Pervin; Mohammad, Muhamed). Operators on arrays and
-- trigrams may leak what they compare, so behind a policy they lose their index: the function
-- passes the policy as the owner and applies the same scope itself.
CREATE FUNCTION khana_private.registry_skeleton(p_word text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN regexp_replace(
    translate(replace(p_word, 'ph', 'f'), 'qczvaeiouyhw', 'kkjb'), '(.)\1+', '\1', 'g');

CREATE TABLE khana_private.name_word (
    word text PRIMARY KEY,
    skeleton text GENERATED ALWAYS AS (khana_private.registry_skeleton(word)) STORED
);
CREATE INDEX name_word_skeleton ON khana_private.name_word (skeleton);
CREATE INDEX name_word_trigrams ON khana_private.name_word USING gin (word public.gin_trgm_ops);

CREATE FUNCTION khana_private.registry_words(p_text text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN array_remove(string_to_array(lower(p_text), ' '), '');

CREATE INDEX person_version_words ON registry_personversion
USING gin (khana_private.registry_words(name || ' ' || name_native || ' ' || guardian_name));

CREATE FUNCTION khana_private.registry_learn_words() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO khana_private.name_word (word)
    SELECT DISTINCT t.word
    FROM added a, unnest(khana_private.registry_words(a.name || ' ' || a.name_native || ' ' || a.guardian_name)) t (word)
    WHERE length(t.word) > 1 AND NOT EXISTS (SELECT FROM khana_private.name_word k WHERE k.word = t.word)
    ORDER BY t.word
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER registry_personversion_words AFTER INSERT ON registry_personversion
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION khana_private.registry_learn_words();

-- the word itself, words that begin with it, of the same skeleton, and most like it: thirty of each
CREATE FUNCTION khana_private.registry_like_words(p_word text) RETURNS text[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT array_agg(word) FROM (
        SELECT p_word AS word
        UNION (SELECT k.word FROM khana_private.name_word k
               WHERE length(p_word) > 2 AND k.word ^@ p_word ORDER BY k.word LIMIT 30)
        UNION (SELECT k.word FROM khana_private.name_word k
               WHERE k.skeleton = khana_private.registry_skeleton(p_word) AND k.skeleton <> ''
               ORDER BY public.similarity(k.word, p_word) DESC, k.word LIMIT 30)
        UNION (SELECT k.word FROM khana_private.name_word k WHERE k.word OPERATOR(public.%) p_word
               ORDER BY public.similarity(k.word, p_word) DESC, k.word LIMIT 30)) w
$$;

-- Every word of the query must be met, by itself first and by one like it where that finds too few.
-- At most 200 rows, best first; of very common names the first 3,000 are ranked: a father's or
-- husband's name in the query narrows them.
CREATE FUNCTION khana_private.registry_search_names(p_query text, p_limit integer)
RETURNS TABLE (person_id bigint, name text, name_native text, guardian_name text, area_path text, likeness real)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    everything boolean := khana_private.access_everything('registry.read');
    paths text[] := khana_private.access_area_paths('registry.read');
    asked text[] := (khana_private.registry_words(p_query))[1:6];
    wanted integer := least(greatest(p_limit, 1), 200);
    found integer;
    conditions text;
    body constant text := $q$
        SELECT c.* FROM (
            SELECT v.person_id, v.name, v.name_native, v.guardian_name, v.area_path,
                   greatest(public.word_similarity($1, v.name), public.word_similarity($1, v.name_native),
                            public.word_similarity($1, v.name || ' ' || v.guardian_name) * 0.95)::real AS likeness
            FROM public.registry_personversion v
            WHERE %s AND v.superseded_at IS NULL AND v.valid_to IS NULL AND ($2 OR v.area_path ^@ ANY ($3))
            LIMIT 3000) c
        ORDER BY lower(c.name) = lower($1) DESC, c.likeness DESC, c.name, c.person_id LIMIT $4 $q$;
    words constant text :=
        'khana_private.registry_words(v.name || '' '' || v.name_native || '' '' || v.guardian_name)';
BEGIN
    IF length(array_to_string(asked, '')) < 2 OR cardinality(paths) = 0 THEN
        RETURN;
    END IF;
    RETURN QUERY EXECUTE format(body, words || ' @> $5') USING p_query, everything, paths, wanted, asked;
    GET DIAGNOSTICS found = ROW_COUNT;
    IF found >= wanted THEN
        RETURN;
    END IF;
    -- the words themselves are data; only the number of conditions is built
    SELECT string_agg(format('%s && khana_private.registry_like_words($5[%s])', words, n), ' AND ') INTO conditions
    FROM generate_subscripts(asked, 1) n;
    RETURN QUERY EXECUTE format(body, conditions || format(' AND NOT %s @> $5', words))
        USING p_query, everything, paths, wanted - found, asked;
END $$;

-- Which of these numbers (tokens) already have a verified holder, anywhere in the country. Says
-- that somebody holds a number, as the unique constraint would, and never who: the writer stores
-- such a claim as DISPUTED.
CREATE FUNCTION khana_private.registry_numbers_held(p_type text, p_tokens bytea[]) RETURNS SETOF bytea
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT i.token FROM public.registry_identifier i
    WHERE khana_private.access_has('registry.write')
      AND i.type = p_type AND i.token = ANY (p_tokens) AND i.status = 'VERIFIED' AND i.retired_at IS NULL
$$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA khana_private FROM PUBLIC;
GRANT EXECUTE ON FUNCTION khana_private.registry_words(text),
    khana_private.registry_search_names(text, integer),
    khana_private.registry_numbers_held(text, bytea[]) TO khana_web, khana_worker;
