-- The encrypted files of pictures that a draft or a version begins with. Each row keeps the sweep away from its file; the key lies in the secret of
-- the draft, of its pictures or of the version.

create table starting_file (
    owner_id text not null,
    blob text not null,
    created_ms bigint not null,
    primary key (owner_id, blob)
);
create index starting_file_blob_idx on starting_file (blob);

-- Noise that is part of a published recipe of variations: whoever owns that recipe knows its seed, so the picture it came from is sold no more.

create table varied_seed (
    origin_id text not null primary key,
    version_id text not null,
    created_ms bigint not null
);
