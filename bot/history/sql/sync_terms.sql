select
    syncs.job_id,
    terms.term,
    case
        when terms.term is null then 'never_seen'
        when syncs.created_at < terms.seen_from then 'before_first_look'
        when terms.present and syncs.created_at <= terms.seen_to then 'seen'
        else 'between_looks'
    end::enum ('never_seen', 'before_first_look', 'between_looks', 'seen') as certainty
from syncs
asof left join terms
    on syncs.connection_key = terms.connection_key and syncs.created_at >= terms.starts_at
where syncs.kind = 'sync' and syncs.created_at >= $since and syncs.created_at < $until
order by syncs.connection_key, syncs.created_at, syncs.job_id
