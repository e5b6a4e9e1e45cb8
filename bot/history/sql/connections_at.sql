-- The version in force at a time; before the first look, nothing is known.
select
    connection_id, name, source_id, destination_id, workspace_id, status, schedule_kind,
    cron_expression, cron_zone, basic_units, basic_unit, schedule_text, streams, tags, created_at
from (
    from connection_versions
    where seen_from <= coalesce($at, 'infinity'::timestamp_s)
    qualify row_number() over (partition by connection_key order by seen_from desc) = 1
)
join connection_keys using (connection_key)
where present and ($workspace_id is null or workspace_id = $workspace_id)
order by connection_id
