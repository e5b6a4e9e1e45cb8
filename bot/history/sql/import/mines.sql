insert into mines by name
select incoming.* replace (outcome::varchar::mine_outcome as outcome)
from incoming
anti join mines
    on mines.workspace_id = incoming.workspace_id and mines.started_at = incoming.started_at
