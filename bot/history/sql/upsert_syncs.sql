merge into syncs as kept
using (
    select
        incoming.job_id,
        connection_keys.connection_key,
        incoming.kind::varchar::job_kind as kind,
        incoming.status::varchar::sync_status as status,
        incoming.created_at::timestamp_s as created_at,
        incoming.started_at::timestamp_s as started_at,
        incoming.updated_at::timestamp_s as updated_at,
        incoming.duration_seconds,
        incoming.rows,
        incoming.bytes
    from incoming
    join connection_keys using (connection_id)
) as seen
on kept.job_id = seen.job_id
when matched and kept.connection_key <> seen.connection_key
    then error 'job ' || kept.job_id || ' belongs to another connection'
when matched and sync_version(
    seen.status, seen.updated_at, seen.created_at, seen.duration_seconds,
    seen.rows, seen.bytes, seen.kind
) > sync_version(
    kept.status, kept.updated_at, kept.created_at, kept.duration_seconds,
    kept.rows, kept.bytes, kept.kind
)
    then update set
        kind = seen.kind,
        status = seen.status,
        created_at = seen.created_at,
        started_at = least(kept.started_at, seen.started_at),
        updated_at = seen.updated_at,
        duration_seconds = seen.duration_seconds,
        rows = seen.rows,
        bytes = seen.bytes
when matched and seen.started_at is not null
    and (kept.started_at is null or seen.started_at < kept.started_at)
    then update set started_at = seen.started_at
when not matched then insert by name
