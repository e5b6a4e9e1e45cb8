update connection_keys
set workspace_id = incoming.workspace_id
from incoming
where connection_keys.connection_id = incoming.connection_id
    and connection_keys.workspace_id is null
