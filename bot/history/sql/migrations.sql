create table if not exists migrations (
    version integer not null primary key,
    name varchar not null,
    applied_at timestamp_s not null
);
