-- Background work and secrets at rest.

create table job (
    id text primary key,
    kind text not null,
    -- Enqueueing twice is one job; the key is free again once the job is finished.
    unique_key text not null,
    payload text not null,
    state text not null,
    run_at_ms bigint not null,
    lease_until_ms bigint,
    lease_owner text,
    attempts bigint not null,
    last_error text,
    created_ms bigint not null,
    finished_ms bigint,
    constraint job_state_check check (state in ('waiting', 'running', 'done', 'dead'))
);
create unique index job_unique_key_key on job (unique_key) where finished_ms is null;
-- The claim looks for due work by time.
create index job_due_idx on job (run_at_ms) where finished_ms is null;

-- Recipes, salts and seeds: one data key each, wrapped by the key of the installation. Erasing the row erases the secret.
create table secret (
    id text primary key,
    wrapped_key text not null,
    ciphertext text not null,
    created_ms bigint not null
);

-- Every opening, by whom and why.
create table secret_opening (
    id text primary key,
    secret_id text not null,
    actor text not null,
    reason text not null,
    opened_ms bigint not null
);
