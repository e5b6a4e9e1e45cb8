-- The listing was complete: what it no longer holds is gone from now on.
insert into connection_versions by name
select newest.* replace ($seen_at as seen_from, $seen_at as seen_to, false as present)
from (
    from connection_versions
    qualify row_number() over (partition by connection_key order by seen_from desc) = 1
) as newest
join connection_keys using (connection_key)
where newest.present
    and connection_keys.workspace_id = $workspace_id
    and connection_keys.connection_id not in (select connection_id from incoming)
