select endpoint_id, seen_from, seen_to, present, knobs
from endpoint_versions
order by endpoint_id, seen_from
