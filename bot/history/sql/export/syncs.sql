select connection_id, syncs.* exclude (connection_key)
from syncs
join connection_keys using (connection_key)
order by job_id
