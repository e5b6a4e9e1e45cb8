merge into connection_versions as kept
using (
    select connection_key, incoming.* exclude (connection_id)
    from incoming
    join connection_keys using (connection_id)
) as seen
on kept.connection_key = seen.connection_key and kept.seen_from = seen.seen_from
when matched and seen.seen_to > kept.seen_to then update set seen_to = seen.seen_to
when not matched then insert by name
