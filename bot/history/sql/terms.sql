-- A term is a stretch of time in which nothing about a connection, its source or its destination
-- changed. The first version of each is stretched back to the beginning of time, so that every
-- sync of a connection that was ever looked at falls into one term.
create or replace temp table terms as
with connection_spans as (
    select
        *,
        if(row_number() over earlier = 1, '-infinity'::timestamp_s, seen_from) as starts_at,
        lead(seen_from, 1, 'infinity'::timestamp_s) over earlier as ends_at
    from connection_versions
    window earlier as (partition by connection_key order by seen_from)
),
endpoint_spans as (
    select
        *,
        if(
            row_number() over (partition by endpoint_id order by seen_from) = 1,
            '-infinity'::timestamp_s,
            seen_from
        ) as starts_at
    from endpoint_versions
),
-- Where a term begins: with a version of the connection, or of an end while it was connected.
starts as (
    select connection_key, starts_at from connection_spans
    union
    select connection_spans.connection_key, endpoint_spans.starts_at
    from connection_spans
    join endpoint_spans
        on endpoint_spans.endpoint_id
            in (connection_spans.source_id, connection_spans.destination_id)
        and endpoint_spans.starts_at > connection_spans.starts_at
        and endpoint_spans.starts_at < connection_spans.ends_at
),
with_connection as (
    select starts.starts_at as term_starts_at, connection_spans.* exclude (starts_at, ends_at)
    from starts
    asof join connection_spans
        on starts.connection_key = connection_spans.connection_key
        and starts.starts_at >= connection_spans.starts_at
),
with_source as (
    select
        with_connection.*,
        source.connector as source_connector,
        source.knobs as source_knobs,
        source.seen_from as source_seen_from,
        source.seen_to as source_seen_to
    from with_connection
    asof left join endpoint_spans as source
        on with_connection.source_id = source.endpoint_id
        and with_connection.term_starts_at >= source.starts_at
),
with_ends as (
    select
        with_source.*,
        destination.connector as destination_connector,
        destination.knobs as destination_knobs,
        destination.seen_from as destination_seen_from,
        destination.seen_to as destination_seen_to
    from with_source
    asof left join endpoint_spans as destination
        on with_source.destination_id = destination.endpoint_id
        and with_source.term_starts_at >= destination.starts_at
)
select
    (row_number() over (order by connection_key, term_starts_at) - 1)::integer as term,
    connection_key,
    term_starts_at as starts_at,
    lead(term_starts_at, 1, 'infinity'::timestamp_s) over (
        partition by connection_key order by term_starts_at
    ) as ends_at,
    -- Every part of the term was looked at, unchanged, at both ends of this stretch.
    greatest(seen_from, source_seen_from, destination_seen_from) as seen_from,
    least(seen_to, source_seen_to, destination_seen_to) as seen_to,
    present,
    name,
    status,
    schedule_kind,
    cron_expression,
    cron_zone,
    basic_units,
    basic_unit,
    schedule_text,
    tags,
    streams,
    source_id,
    source_connector,
    source_knobs,
    destination_id,
    destination_connector,
    destination_knobs
from with_ends
