select connection_id, connection_versions.* exclude (connection_key)
from connection_versions
join connection_keys using (connection_key)
order by connection_id, seen_from
