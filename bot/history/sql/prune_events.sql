delete from events where happened_at < $before
