update connection_versions as kept
set seen_to = $seen_at
from incoming
join connection_keys using (connection_id)
where kept.connection_key = connection_keys.connection_key
    and kept.present
    and kept.seen_from = (
        select max(seen_from) from connection_versions as newest
        where newest.connection_key = kept.connection_key
    )
    and row(
        kept.name, kept.source_id, kept.destination_id, kept.status, kept.schedule_kind,
        kept.cron_expression, kept.cron_zone, kept.basic_units, kept.basic_unit,
        kept.schedule_text, kept.streams, kept.tags, kept.created_at
    ) is not distinct from row(
        incoming.name, incoming.source_id, incoming.destination_id, incoming.status,
        incoming.schedule_kind, incoming.cron_expression, incoming.cron_zone,
        incoming.basic_units, incoming.basic_unit, incoming.schedule_text, incoming.streams,
        incoming.tags, incoming.created_at
    )
