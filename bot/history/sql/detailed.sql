-- Syncs that have ended and whose attempts are known to their end, with what changes when more
-- becomes known of them. The last attempt ends when its sync does: one that ended long before was
-- noted before another one began.
select
    job_id,
    epoch(any_value(syncs.updated_at))::bigint,
    any_value(syncs.rows),
    any_value(syncs.bytes)
from syncs
join connection_keys using (connection_key)
join attempts using (job_id)
where workspace_id = $workspace_id
    and syncs.created_at >= $since
    and syncs.status >= 'cancelled'::sync_status
group by job_id
having bool_and(attempts.ended_at is not null)
    and max(attempts.ended_at) >= any_value(syncs.updated_at) - interval 1 minute
