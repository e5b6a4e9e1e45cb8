-- A version stays while a sync that was kept may have run under it.
delete from connection_versions as version
where exists (
    from connection_versions as later
    where later.connection_key = version.connection_key
        and later.seen_from > version.seen_from
        and later.seen_from <= $before
)
