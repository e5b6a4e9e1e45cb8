merge into endpoint_versions as kept
using (select incoming.* replace (role::varchar::endpoint_role as role) from incoming) as seen
on kept.endpoint_id = seen.endpoint_id and kept.seen_from = seen.seen_from
when matched and seen.seen_to > kept.seen_to then update set seen_to = seen.seen_to
when not matched then insert by name
