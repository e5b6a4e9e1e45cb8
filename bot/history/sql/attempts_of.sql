select
    number, status, created_at, ended_at, rows, bytes,
    failure_origin, failure_kind, failure_message
from attempts
where job_id = ?
order by number
