select
    k.connection_id, t.stream, t.namespace, count(*) as syncs,
    coalesce(sum(t.rows), 0)::double as rows, coalesce(sum(t.bytes), 0)::double as bytes
from stream_stats t
join syncs s using (job_id)
join connection_keys k using (connection_key)
where s.kind = 'sync' and s.status = 'succeeded' and s.created_at >= $since and s.created_at < $until
group by all
order by all
