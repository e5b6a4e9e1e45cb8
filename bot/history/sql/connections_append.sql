insert into connection_versions by name
select
    connection_keys.connection_key,
    $seen_at as seen_from,
    $seen_at as seen_to,
    true as present,
    incoming.* exclude (connection_id)
from incoming
join connection_keys using (connection_id)
where not exists (
    from connection_versions as kept
    where kept.connection_key = connection_keys.connection_key and kept.seen_to = $seen_at
)
