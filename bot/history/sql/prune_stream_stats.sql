delete from stream_stats where job_id not in (select job_id from syncs)
