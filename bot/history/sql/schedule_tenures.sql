select
    connection_id, seen_from, seen_to, present,
    schedule_kind, cron_expression, cron_zone, basic_units, basic_unit, schedule_text
from connection_versions
join connection_keys using (connection_key)
order by connection_id, seen_from
