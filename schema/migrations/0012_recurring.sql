-- Work that comes again by the clock: a row for each kind, so that what nobody scheduled is seen.

create table recurring (
    kind text primary key,
    next_ms bigint not null,
    started_ms bigint,
    finished_ms bigint,
    last_error text
);
