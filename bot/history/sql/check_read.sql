-- Reads every value, and so meets every damaged block.
select
    (select bit_xor(hash(syncs)) from syncs),
    (select bit_xor(hash(attempts)) from attempts),
    (select bit_xor(hash(stream_stats)) from stream_stats),
    (select bit_xor(hash(events)) from events),
    (select bit_xor(hash(connection_versions)) from connection_versions),
    (select bit_xor(hash(endpoint_versions)) from endpoint_versions),
    (select bit_xor(hash(connection_keys)) from connection_keys),
    (select bit_xor(hash(mines)) from mines)
