insert into events by name
select event_id, connection_key, kind, happened_at, job_id, changes
from incoming
join connection_keys using (connection_id)
anti join events using (event_id)
