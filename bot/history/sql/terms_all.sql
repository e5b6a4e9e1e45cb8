select
    connection_id,
    terms.* exclude (connection_key) replace (
        nullif(starts_at, '-infinity'::timestamp_s) as starts_at,
        nullif(ends_at, 'infinity'::timestamp_s) as ends_at
    )
from terms
join connection_keys using (connection_key)
order by term
