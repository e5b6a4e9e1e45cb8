from stream_stats order by job_id, namespace nulls first, stream
