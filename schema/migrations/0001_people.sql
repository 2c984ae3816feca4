-- People, how they sign in, and what they sign with. Times are milliseconds since 1970, passed in; ids are UUIDv7 text.

-- Facts about this database itself: the log's origin, the sandbox clock's offset, whether it is a demo.
create table setting (
    name text primary key,
    value text not null
);

create table person (
    id text primary key,
    email text not null,
    -- Folded for lookup: databases disagree on lower() beyond ASCII.
    email_folded text not null,
    handle text not null,
    password_hash text not null,
    role text not null,
    created_ms bigint not null,
    constraint person_email_folded_key unique (email_folded),
    constraint person_handle_key unique (handle),
    constraint person_role_check check (role in ('member', 'operator'))
);

-- Only the SHA-256 of the cookie's 32 random bytes is kept, so that a stolen copy of this table signs nobody in.
create table session (
    id_hash text primary key,
    person_id text not null references person (id),
    created_ms bigint not null,
    seen_ms bigint not null,
    expires_ms bigint not null
);
-- For "sign out everywhere" and the list on the account page.
create index session_person_id_idx on session (person_id);

-- Public keys only; the secret half never reaches the server.
create table creator_key (
    key_hash text primary key,
    person_id text not null references person (id),
    public_key text not null,
    created_ms bigint not null
);
create index creator_key_person_id_idx on creator_key (person_id);

-- Counters of the rate limiter, in the database so that several processes share them.
create table rate (
    subject text not null,
    window_ms bigint not null,
    count bigint not null,
    primary key (subject, window_ms)
);

-- Answers of forms that move money or sign, by idempotency key: a replay gets the first answer.
create table form_answer (
    owner text not null,
    route text not null,
    form_key text not null,
    location text not null,
    created_ms bigint not null,
    primary key (owner, route, form_key)
);
