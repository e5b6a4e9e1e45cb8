merge into syncs as kept
using (
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
        updated_at = seen.updated_at,
        duration_seconds = seen.duration_seconds,
        queued_seconds = least(kept.queued_seconds, seen.queued_seconds),
        rows = seen.rows,
        bytes = seen.bytes
when matched and seen.queued_seconds is not null
    and (kept.queued_seconds is null or seen.queued_seconds < kept.queued_seconds)
    then update set queued_seconds = seen.queued_seconds
when not matched then insert by name
