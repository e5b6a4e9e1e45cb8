from mines order by workspace_id, started_at
