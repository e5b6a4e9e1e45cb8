select endpoint_id, name, connector, workspace_id, knobs
from (
    from endpoint_versions
    where seen_from <= coalesce($at, 'infinity'::timestamp_s)
    qualify row_number() over (partition by endpoint_id order by seen_from desc) = 1
)
where present
    and role = $role::endpoint_role
    and ($workspace_id is null or workspace_id = $workspace_id)
order by endpoint_id
