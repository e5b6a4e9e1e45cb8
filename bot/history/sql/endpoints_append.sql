insert into endpoint_versions by name
select
    incoming.* replace (incoming.role::endpoint_role as role),
    $workspace_id as workspace_id,
    $seen_at as seen_from,
    $seen_at as seen_to,
    true as present
from incoming
where not exists (
    from endpoint_versions as kept
    where kept.endpoint_id = incoming.endpoint_id and kept.seen_to = $seen_at
)
