update connection_keys
set workspace_id = $workspace_id
where connection_id in (select connection_id from incoming)
    and workspace_id is distinct from $workspace_id
