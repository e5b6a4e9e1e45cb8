-- What has not ended may still change, and is mined again; it stays.
delete from syncs
where created_at < $before and status >= 'cancelled'::sync_status
