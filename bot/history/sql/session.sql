set TimeZone = 'UTC';
set enable_progress_bar = false;

-- Of two readings of one sync the greater version stays. The order is total, so the result does
-- not depend on which was seen first: an ended sync beats a running one, then the later update,
-- then the further status; what follows only breaks ties.
create or replace temp macro sync_version(
    status, updated_at, created_at, duration_seconds, rows, bytes, kind
) as row(
    status >= 'cancelled'::sync_status,
    coalesce(updated_at, created_at + to_seconds(coalesce(duration_seconds, 0))),
    status,
    coalesce(rows, -1),
    coalesce(bytes, -1),
    coalesce(duration_seconds, -1),
    updated_at is not null,
    kind,
    created_at
);
