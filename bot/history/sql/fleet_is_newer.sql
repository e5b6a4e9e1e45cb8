-- Whether a look at this workspace, as late as this one or later, is already kept.
select count(*) > 0
from (
    select seen_to
    from connection_versions
    join connection_keys using (connection_key)
    where workspace_id = $workspace_id
    union all
    select seen_to from endpoint_versions where workspace_id = $workspace_id
)
where seen_to >= $seen_at
