select connection_id, workspace_id from connection_keys order by connection_id
