select
    workspace_id, started_at, finished_at, outcome, read_from, read_to,
    new, changed, unchanged, unread, detailed
from mines
where $workspace_id is null or workspace_id = $workspace_id
order by started_at desc, workspace_id
limit $limit
