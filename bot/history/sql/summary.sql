select
    (select count(*) from connection_keys) as connections,
    count(*) as syncs,
    count(*) filter (where status = 'succeeded') as succeeded,
    count(*) filter (where status = 'failed') as failed,
    count(*) filter (where status < 'cancelled'::sync_status) as unfinished,
    min(created_at) as oldest_at,
    max(created_at) as newest_at,
    (select count(distinct job_id) from attempts) as with_attempts,
    (select count(*) from connection_versions) as connection_versions,
    (select count(*) from endpoint_versions) as endpoint_versions,
    (select count(*) from events) as events
from syncs
