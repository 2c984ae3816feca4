-- Pictures that owners make with values of their own, and pictures that visitors try before they buy.

-- One wish: values, and a seed for each picture. Both are in the secret: with a seed, a guess of a sealed prompt could be tested.
create table own_run (
    id text primary key,
    person_id text not null references person (id),
    -- By what right: a line that was bought, or one's own listing.
    holding_id text not null,
    version_id text not null references version (id),
    secret_id text not null references secret (id),
    -- Sampling steps of one picture.
    steps bigint not null,
    created_ms bigint not null
);
create index own_run_holding_id_idx on own_run (holding_id, created_ms, id);

create table own_picture (
    run_id text not null references own_run (id),
    idx bigint not null,
    state text not null,
    step bigint not null,
    error text,
    -- The exact file. What leaves the shop is made of it when it is asked for.
    blob text,
    -- The sealed picture that has the same values and the same seed, and whether this one is equal to it.
    anchor bigint,
    is_equal boolean,
    primary key (run_id, idx),
    constraint own_picture_state_check check (state in ('waiting', 'running', 'done', 'failed'))
);
create index own_picture_blob_idx on own_picture (blob);

-- Who said that they will label what they take without a label: when, and to which wording.
create table acknowledgement (
    id text primary key,
    person_id text not null references person (id),
    holding_id text not null,
    wording bigint not null,
    language text not null,
    acknowledged_ms bigint not null
);
create index acknowledgement_holding_idx on acknowledgement (person_id, holding_id, wording, acknowledged_ms);
create index acknowledgement_acknowledged_ms_idx on acknowledgement (acknowledged_ms);

-- Each file that was taken without a label.
create table unlabelled_download (
    id text primary key,
    acknowledgement_id text not null references acknowledgement (id),
    what text not null,
    created_ms bigint not null
);
create index unlabelled_download_acknowledgement_id_idx on unlabelled_download (acknowledgement_id);
create index unlabelled_download_created_ms_idx on unlabelled_download (created_ms);

-- Whether visitors may try it.
alter table draft add column trial boolean not null default false;
alter table listing add column trial boolean not null default false;

-- One try. Its seed is drawn when it is made and kept nowhere; what was chosen is public anyway.
create table trial (
    id text primary key,
    listing_id text not null references listing (id),
    version_id text not null references version (id),
    -- An account, or a visitor by a keyed digest of their cookie.
    who text not null,
    form_key text not null,
    chosen text not null,
    state text not null,
    step bigint not null,
    steps bigint not null,
    -- A small labelled copy; the exact picture is never kept.
    blob text,
    created_ms bigint not null,
    constraint trial_form_key_key unique (listing_id, form_key),
    constraint trial_state_check check (state in ('waiting', 'running', 'done', 'failed'))
);
create index trial_who_idx on trial (listing_id, who, created_ms, id);
create index trial_blob_idx on trial (blob);
create index trial_created_ms_idx on trial (created_ms);
create index trial_kept_idx on trial (created_ms) where blob is not null;
create index trial_open_idx on trial (state) where state in ('waiting', 'running');

-- Owners' pictures come before those of the studio, and tries behind them.
update job set class = case class when 1 then 2 else 4 end where finished_ms is null and queue = 'pictures' and class in (1, 2);
