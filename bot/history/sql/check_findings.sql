-- Each row says that something the code rules out has happened all the same.
with repeated as (
    select count(*) as found from (select 1 from syncs group by job_id having count(*) > 1)
),
unnamed as (select count(*) as found from syncs anti join connection_keys using (connection_key)),
backwards as (select count(*) as found from syncs where updated_at < created_at),
strays as (select count(*) as found from attempts anti join syncs using (job_id)),
overlapping as (
    select count(*) as found
    from (
        select seen_to > lead(seen_from) over (partition by connection_key order by seen_from) as bad
        from connection_versions
        union all
        select seen_to > lead(seen_from) over (partition by endpoint_id order by seen_from)
        from endpoint_versions
    )
    where bad
)
select 'job ids that are kept twice' as finding, found from repeated
union all select 'syncs of a connection without an identity', found from unnamed
union all select 'syncs that ended before they were created', found from backwards
union all select 'attempts of syncs that are not kept', found from strays
union all select 'settings that were in force together', found from overlapping
