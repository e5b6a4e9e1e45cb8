delete from stream_stats where job_id in (select job_id from incoming_jobs)
