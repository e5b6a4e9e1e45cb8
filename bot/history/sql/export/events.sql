select connection_id, events.* exclude (connection_key)
from events
join connection_keys using (connection_key)
order by event_id
