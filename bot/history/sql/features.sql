-- Two passes on purpose: totals over everything, grouped by status instead of filtered eight
-- times; and exact quantiles over the recent days only, which is what "usual" means.
with by_status as materialized (
    select
        connection_key,
        status,
        count(*) as syncs,
        min(created_at) as first_at,
        max(created_at) as last_at,
        sum(rows) as rows,
        sum(bytes) as bytes,
        sum(duration_seconds) as duration_seconds
    from syncs
    where kind = 'sync' and created_at < $until
    group by connection_key, status
),
totals as materialized (
    select
        connection_key,
        sum(syncs)::bigint as syncs,
        coalesce(sum(syncs) filter (where status = 'succeeded'), 0)::bigint as succeeded,
        coalesce(sum(syncs) filter (where status = 'failed'), 0)::bigint as failed,
        coalesce(sum(syncs) filter (where status = 'cancelled'), 0)::bigint as cancelled,
        min(first_at) as first_at,
        max(last_at) as last_at,
        max(last_at) filter (where status = 'succeeded') as last_success_at,
        sum(rows)::bigint as rows_total,
        sum(bytes)::bigint as bytes_total,
        sum(duration_seconds)::bigint as duration_seconds_total
    from by_status
    group by connection_key
),
streaks as (
    select syncs.connection_key, count(*) as failures_in_a_row
    from syncs
    join totals using (connection_key)
    where syncs.kind = 'sync'
        and syncs.status = 'failed'
        and syncs.created_at < $until
        and syncs.created_at > coalesce(totals.last_success_at, '-infinity'::timestamp_s)
    group by syncs.connection_key
),
recent as (
    select
        connection_key,
        count(*) as recent_succeeded,
        count(queued_seconds) as queued_known,
        avg(queued_seconds) as queued_seconds_mean,
        quantile_disc(duration_seconds - coalesce(queued_seconds, 0), [0.5, 0.8, 0.95]) as run,
        quantile_disc(rows, [0.5, 0.95]) as moved
    from syncs
    where kind = 'sync'
        and status = 'succeeded'
        and created_at >= $recent_from
        and created_at < $until
    group by connection_key
)
select
    connection_id,
    syncs,
    succeeded,
    failed,
    cancelled,
    coalesce(failures_in_a_row, 0) as failures_in_a_row,
    first_at,
    last_at,
    last_success_at,
    rows_total,
    bytes_total,
    duration_seconds_total,
    coalesce(recent_succeeded, 0) as recent_succeeded,
    coalesce(queued_known, 0) as queued_known,
    queued_seconds_mean,
    run[1] as run_seconds_p50,
    run[2] as run_seconds_p80,
    run[3] as run_seconds_p95,
    moved[1] as rows_p50,
    moved[2] as rows_p95
from totals
join connection_keys using (connection_key)
left join streaks using (connection_key)
left join recent using (connection_key)
order by connection_id
