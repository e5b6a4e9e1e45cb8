-- Stretches that were read, chained while each begins before the previous ones end; what a
-- later mine read beyond a gap does not count.
with stretches as (
    select coalesce(read_from, '-infinity'::timestamp_s) as read_from, read_to
    from mines
    where workspace_id = ? and read_to is not null
),
chained as (
    select
        read_from,
        read_to,
        max(read_to) over (
            order by read_from, read_to rows between unbounded preceding and 1 preceding
        ) as reached
    from stretches
),
gaps as (
    select read_to, count(*) filter (where read_from > reached) over (order by read_from, read_to) as gap
    from chained
)
select max(read_to) from gaps where gap = 0
