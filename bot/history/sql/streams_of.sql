select stream, namespace, rows, bytes, rejected_rows, was_backfilled, was_resumed
from stream_stats
where job_id = ?
order by namespace nulls first, stream
