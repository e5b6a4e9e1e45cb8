insert into connection_keys by name
select
    (select coalesce(max(connection_key), 0) from connection_keys)
        + row_number() over (order by connection_id) as connection_key,
    connection_id,
    $workspace_id as workspace_id
from (select distinct connection_id from incoming)
anti join connection_keys using (connection_id)
