insert into endpoint_versions by name
select newest.* replace ($seen_at as seen_from, $seen_at as seen_to, false as present)
from (
    from endpoint_versions
    qualify row_number() over (partition by endpoint_id order by seen_from desc) = 1
) as newest
where newest.present
    and newest.workspace_id = $workspace_id
    and newest.endpoint_id not in (select endpoint_id from incoming)
