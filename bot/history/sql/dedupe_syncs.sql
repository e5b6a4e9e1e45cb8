-- One row for each job: the greatest version of it, with the earliest start of work that any told.
select * replace (min(queued_seconds) over (partition by job_id) as queued_seconds)
from incoming
qualify row_number() over (
    partition by job_id
    order by sync_version(
        status::varchar::sync_status, updated_at, created_at, duration_seconds,
        rows, bytes, kind::varchar::job_kind
    ) desc
) = 1
