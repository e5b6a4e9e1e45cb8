select job_id, kind, status, created_at, updated_at, duration_seconds, queued_seconds, rows, bytes
from syncs
join connection_keys using (connection_key)
where connection_id = $connection_id
order by created_at desc, job_id desc
limit $limit
