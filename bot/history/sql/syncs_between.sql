select
    connection_key - 1 as connection_index,
    job_id,
    status,
    created_at,
    duration_seconds,
    queued_seconds,
    duration_seconds - coalesce(queued_seconds, 0) as run_seconds,
    rows,
    bytes
from syncs
where kind = 'sync' and created_at >= $since and created_at < $until
order by connection_key, created_at, job_id
