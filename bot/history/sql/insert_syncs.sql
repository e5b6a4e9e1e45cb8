-- For job ids that lie in no range that the history holds: nothing to compare with.
insert into syncs by name
select
    incoming.job_id,
    connection_keys.connection_key,
    incoming.kind::varchar::job_kind as kind,
    incoming.status::varchar::sync_status as status,
    incoming.created_at,
    incoming.updated_at,
    incoming.duration_seconds,
    incoming.queued_seconds,
    incoming.rows,
    incoming.bytes
from incoming
join connection_keys using (connection_id)
