select event_id, kind, happened_at, job_id, changes
from events
join connection_keys using (connection_key)
where connection_id = ?
order by happened_at, event_id
