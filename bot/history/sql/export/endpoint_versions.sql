from endpoint_versions order by role, endpoint_id, seen_from
