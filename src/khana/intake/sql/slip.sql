-- What the picture code on a family's slip leads to: the state of one filled form, without a person in it. Khana's web
-- process asks only with the number that it found under a mark of its own making (see intake/slip.py).
CREATE FUNCTION khana_private.intake_slip_state(p_submission bigint)
RETURNS TABLE (state text, state_on date, received_on date, reasons jsonb)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT s.state, s.state_at::date, s.received_at::date, s.reasons FROM public.intake_submission s WHERE s.id = p_submission
$$;
REVOKE ALL ON FUNCTION khana_private.intake_slip_state(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION khana_private.intake_slip_state(bigint) TO khana_web, khana_worker;
CREATE POLICY intake_submission_owner ON public.intake_submission TO CURRENT_USER USING (true);
