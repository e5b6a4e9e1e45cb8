select job_id
from syncs
join connection_keys using (connection_key)
where status < 'cancelled'::sync_status and workspace_id = ?
order by job_id
