-- The end of a creator's key. What it signed before stands: the order of the log decides, not the time here.
create table key_end (
    key_hash text primary key references creator_key (key_hash),
    leaf_hash text not null references log_leaf (leaf_hash),
    reason text not null,
    authority text not null,
    successor text,
    created_ms bigint not null
);
