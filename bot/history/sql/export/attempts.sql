from attempts order by job_id, number
