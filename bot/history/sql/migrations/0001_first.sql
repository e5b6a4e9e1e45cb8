-- Times are UTC, in whole seconds, which is all that Airbyte's API tells.
-- Enum members stand in the order in which a sync goes through them: the upsert compares them.
create type job_kind as enum ('unknown', 'sync', 'reset', 'refresh', 'clear');
create type sync_status as enum (
    'unknown', 'pending', 'queued', 'running', 'incomplete', 'cancelled', 'failed', 'succeeded'
);
create type endpoint_role as enum ('source', 'destination');
create type mine_outcome as enum ('running', 'complete', 'partial');

-- Twenty million syncs carry a four-byte key instead of a 36-byte identifier.
create table connection_keys (
    connection_key integer not null primary key,
    connection_id varchar not null unique,
    workspace_id varchar
);

-- No index on purpose: an upsert meets only the row groups whose job_id range overlaps its own,
-- and an index over twenty million rows would cost more memory than the whole bot may use.
create table syncs (
    job_id bigint not null,
    connection_key integer not null,
    kind job_kind not null,
    status sync_status not null,
    created_at timestamp_s not null,
    updated_at timestamp_s,
    duration_seconds integer, -- from creation to end: with queueing, retries and their pauses
    queued_seconds integer, -- from creation to the start of work, where that is known
    rows bigint,
    bytes bigint
);

create table attempts (
    job_id bigint not null,
    number smallint not null,
    status varchar not null,
    created_at timestamp_s not null,
    ended_at timestamp_s,
    rows bigint,
    bytes bigint,
    failure_origin varchar,
    failure_kind varchar,
    failure_message varchar
);

create table stream_stats (
    job_id bigint not null,
    stream varchar not null,
    namespace varchar,
    rows bigint,
    bytes bigint,
    rejected_rows bigint,
    was_backfilled boolean,
    was_resumed boolean
);

create table events (
    event_id varchar not null primary key,
    connection_key integer not null,
    kind varchar not null,
    happened_at timestamp_s not null,
    job_id bigint,
    changes varchar not null -- JSON: [{"field", "before", "after"}]
);

-- Slowly changing history. A version was seen unchanged at both ends of [seen_from, seen_to];
-- `present` false says that a complete listing no longer held it.
create table connection_versions (
    connection_key integer not null,
    seen_from timestamp_s not null,
    seen_to timestamp_s not null,
    present boolean not null,
    name varchar not null,
    source_id varchar not null,
    destination_id varchar not null,
    status varchar not null,
    schedule_kind varchar not null,
    cron_expression varchar,
    cron_zone varchar,
    basic_units integer,
    basic_unit varchar,
    schedule_text varchar,
    streams varchar not null, -- JSON: [{"name", "mode", "namespace"}]
    tags varchar[] not null,
    created_at timestamp_s
);

create table endpoint_versions (
    endpoint_id varchar not null,
    role endpoint_role not null,
    workspace_id varchar not null,
    seen_from timestamp_s not null,
    seen_to timestamp_s not null,
    present boolean not null,
    name varchar not null,
    connector varchar not null,
    knobs varchar not null -- JSON: {"catalogue path": value}; never anything else
);

create table mines (
    workspace_id varchar not null,
    started_at timestamp not null,
    finished_at timestamp,
    outcome mine_outcome not null,
    read_from timestamp_s,
    read_to timestamp_s,
    new bigint not null,
    changed bigint not null,
    unchanged bigint not null,
    unread varchar[] not null
);
