delete from endpoint_versions as version
where exists (
    from endpoint_versions as later
    where later.endpoint_id = version.endpoint_id
        and later.seen_from > version.seen_from
        and later.seen_from <= $before
)
