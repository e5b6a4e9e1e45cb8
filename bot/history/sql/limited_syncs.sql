-- What a source says that has had enough of us; connectors word it in many ways.
select distinct k.connection_id, s.created_at
from attempts a
join syncs s using (job_id)
join connection_keys k using (connection_key)
where
    s.kind = 'sync' and s.created_at >= $since and s.created_at < $until
    and a.failure_origin is not null and a.failure_origin != 'destination'
    and regexp_matches(
        a.failure_message,
        '(^|[^0-9])429([^0-9]|$)|rate.?limit|too many requests|throttl|quota.{0,20}(exceed|exhaust)',
        'i'
    )
order by k.connection_id, s.created_at
