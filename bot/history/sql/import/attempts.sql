insert into attempts by name
select incoming.*
from incoming
anti join attempts on attempts.job_id = incoming.job_id and attempts.number = incoming.number
