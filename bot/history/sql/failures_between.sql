-- One row for each failed attempt that tells why, of syncs created in the window.
select
    connection_id,
    syncs.created_at,
    failure_origin,
    failure_kind,
    failure_message
from attempts
join syncs using (job_id)
join connection_keys using (connection_key)
where syncs.kind = 'sync'
    and syncs.created_at >= $since
    and syncs.created_at < $until
    and failure_origin is not null
order by connection_id, syncs.created_at, attempts.number
