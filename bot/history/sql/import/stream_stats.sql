insert into stream_stats by name
select incoming.*
from incoming
anti join stream_stats
    on stream_stats.job_id = incoming.job_id
    and stream_stats.stream = incoming.stream
    and stream_stats.namespace is not distinct from incoming.namespace
