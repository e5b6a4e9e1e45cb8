delete from attempts where job_id not in (select job_id from syncs)
