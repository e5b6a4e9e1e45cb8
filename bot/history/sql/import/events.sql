insert into events by name
select connection_key, incoming.* exclude (connection_id)
from incoming
join connection_keys using (connection_id)
anti join events using (event_id)
