-- Syncs that have ended and whose details were read when they were last listed, with what changes
-- when more becomes known of them. What a mine without details listed may be newer than the
-- details that are kept, until a whole mine with them has listed it again.
with whole as (
    select max(started_at) as started_at
    from mines
    where workspace_id = $workspace_id
        and detailed
        and outcome = 'complete'
        and (read_from is null or read_from <= $since)
)
select job_id, epoch(syncs.updated_at)::bigint, syncs.rows, syncs.bytes
from syncs
join connection_keys using (connection_key)
semi join attempts using (job_id)
where workspace_id = $workspace_id
    and syncs.created_at >= $since
    and syncs.status >= 'cancelled'::sync_status
    and (select started_at from whole) is not null
    and not exists (
        from mines, whole
        where mines.workspace_id = $workspace_id
            and not coalesce(mines.detailed, false)
            and mines.read_to is not null
            and mines.started_at > whole.started_at
    )
