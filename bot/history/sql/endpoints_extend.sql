update endpoint_versions as kept
set seen_to = $seen_at
from incoming
where kept.endpoint_id = incoming.endpoint_id
    and kept.present
    and kept.seen_from = (
        select max(seen_from) from endpoint_versions as newest
        where newest.endpoint_id = kept.endpoint_id
    )
    and row(kept.name, kept.connector, kept.knobs)
        is not distinct from row(incoming.name, incoming.connector, incoming.knobs)
