select distinct workspace_id
from (select workspace_id from connection_keys union all select workspace_id from mines)
where workspace_id is not null
order by workspace_id
