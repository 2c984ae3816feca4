-- When a certified version becomes public.

-- One row a version, written with its submission. Its creator reads "in review" until it is settled, whatever it waits for.
create table publication (
    version_id text primary key references version (id),
    submitted_ms bigint not null,
    -- Drawn once from the operating system; nobody outside learns it.
    wait_ms bigint not null,
    -- When it is settled. Null while it is being certified, or a person has to decide.
    due_ms bigint,
    -- Why it is refused then: a text's name. Without one it goes on sale.
    refusal text,
    settled_ms bigint
);
create index publication_due_idx on publication (due_ms, version_id) where settled_ms is null;

-- What was on its way before there were waits goes on as it was told.
insert into publication (version_id, submitted_ms, wait_ms)
    select id, created_ms, 0 from version where state in ('logging', 'certifying', 'certified');
