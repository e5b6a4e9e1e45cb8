-- Move staged rows into their table in their order, and return those that it refuses, each with its
-- own error. A range that fails is tried again up to the row at which it stopped, which a sequence
-- tells: unlike everything else, its value outlives the failure. Where that row cannot be the cause
-- (a foreign key speaks up after the last row of a range), the range is halved instead.
CREATE TEMP SEQUENCE trimtab_at;
CREATE FUNCTION pg_temp.trimtab_move()
RETURNS TABLE (trimtab_index bigint, trimtab_code text, trimtab_message text)
LANGUAGE plpgsql AS $trimtab$
#variable_conflict use_column
DECLARE
  trimtab_first bigint; trimtab_final bigint; trimtab_low bigint; trimtab_high bigint;
  trimtab_bad bigint := 0; trimtab_step bigint := {rows};
BEGIN
  SELECT min({place}), max({place}) INTO trimtab_first, trimtab_final FROM {staged};
  trimtab_low := trimtab_first;
  WHILE trimtab_low <= trimtab_final LOOP
    trimtab_high := least(trimtab_low + trimtab_step, trimtab_final + 1);
    IF trimtab_low = trimtab_bad THEN
      trimtab_high := trimtab_low + 1;
    END IF;
    BEGIN
      {move};
      trimtab_low := trimtab_high;
      trimtab_step := {rows};
    EXCEPTION WHEN data_exception OR integrity_constraint_violation
      OR with_check_option_violation OR plpgsql_error
    THEN
      IF trimtab_high = trimtab_low + 1 THEN
        trimtab_index := trimtab_low - trimtab_first;
        GET STACKED DIAGNOSTICS
          trimtab_code = RETURNED_SQLSTATE, trimtab_message = MESSAGE_TEXT;
        RETURN NEXT;
        trimtab_low := trimtab_high;
        trimtab_step := {rows};
      ELSE
        trimtab_bad := (SELECT last_value FROM pg_temp.trimtab_at);
        trimtab_step := (trimtab_high - trimtab_low) / 2;
        IF trimtab_bad > trimtab_low AND trimtab_bad < trimtab_high - 1 THEN
          trimtab_step := trimtab_bad - trimtab_low;
        END IF;
      END IF;
    END;
  END LOOP;
END $trimtab$
