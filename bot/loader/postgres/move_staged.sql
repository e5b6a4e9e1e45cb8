-- Move staged rows into their table, segment by segment; row by row where a segment fails.
CREATE TEMP TABLE IF NOT EXISTS trimtab_refused (place bigint, code text, message text)
  ON COMMIT DELETE ROWS;
DO $trimtab$
DECLARE
  first bigint; final bigint; low bigint; staged record; code text; message text;
BEGIN
  SELECT min({place}), max({place}) INTO first, final FROM {staged};
  low := first;
  WHILE low <= final LOOP
    BEGIN
      {segment};
    EXCEPTION WHEN OTHERS THEN
      FOR staged IN SELECT * FROM {staged} WHERE {place} >= low AND {place} < low + {rows}
        ORDER BY {place}
      LOOP
        BEGIN
          {row};
        EXCEPTION WHEN OTHERS THEN
          GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
          INSERT INTO trimtab_refused VALUES (staged.{place} - first, code, message);
        END;
      END LOOP;
    END;
    low := low + {rows};
  END LOOP;
END $trimtab$
