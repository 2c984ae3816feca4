-- The public log's database side: the lock record, and leaves on their way into the tree.

-- The newest signed checkpoint of each log; a writer swaps it before it writes a tile.
create table log_checkpoint (
    origin text primary key,
    note text not null
);

-- A leaf is queued in the transaction of the change that makes it; the sequencer fills in its index.
create table log_leaf (
    leaf_hash text primary key,
    origin text not null,
    kind bigint not null,
    digest text not null,
    key_hash text not null,
    leaf text not null,
    queued_ms bigint not null,
    log_index bigint,
    -- Not the whole leaf: a signer can make a second valid signature over the same facts.
    constraint log_leaf_fact_key unique (origin, kind, digest, key_hash),
    constraint log_leaf_log_index_key unique (origin, log_index)
);
create index log_leaf_pending_idx on log_leaf (queued_ms, leaf_hash) where log_index is null;

-- Public statements by leaf: reproductions and certifications, for and against.
create table statement (
    leaf_hash text primary key references log_leaf (leaf_hash),
    about_leaf_hash text not null,
    predicate text not null,
    envelope text not null,
    public_key text not null,
    outcome text,
    environment text,
    created_ms bigint not null
);
create index statement_about_leaf_hash_idx on statement (about_leaf_hash);

-- Public keys by hash, for monitors of the log.
create table public_key (
    key_hash text primary key,
    public_key text not null
);
