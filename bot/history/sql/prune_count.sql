select count(*), min(created_at)
from syncs
where created_at < $before and status >= 'cancelled'::sync_status
