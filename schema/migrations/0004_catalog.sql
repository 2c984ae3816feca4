-- What is made and what is for sale.

create table draft (
    id text primary key,
    person_id text not null references person (id),
    title text not null,
    description text not null,
    category text not null,
    price_minor bigint not null,
    licence text not null,
    -- Template, variables, negative and sampling, encrypted.
    secret_id text not null references secret (id),
    created_ms bigint not null,
    updated_ms bigint not null,
    constraint draft_price_minor_check check (price_minor >= 0)
);
create index draft_person_id_idx on draft (person_id, updated_ms);

-- Pictures made in the studio. Seed and values are in the secret.
create table picture (
    id text primary key,
    draft_id text not null references draft (id),
    person_id text not null references person (id),
    secret_id text not null references secret (id),
    -- Which text it was made with: a digest salted by the draft's id, kept on the server only.
    text_tag text not null,
    state text not null,
    step bigint not null,
    steps bigint not null,
    error text,
    blob text,
    pixel_blake3 text,
    pixel_sha256 text,
    created_ms bigint not null,
    constraint picture_state_check check (state in ('waiting', 'running', 'done', 'failed'))
);
create index picture_draft_id_idx on picture (draft_id, created_ms);

create table listing (
    id text primary key,
    slug text not null,
    person_id text not null references person (id),
    title text not null,
    description text not null,
    category text not null,
    language text not null,
    price_minor bigint not null,
    licence text not null,
    state text not null,
    -- Title, description and creator, folded, for the simple search.
    search_text text not null,
    created_ms bigint not null,
    -- Written once, when it first goes live.
    published_ms bigint,
    sales bigint not null,
    constraint listing_slug_key unique (slug),
    constraint listing_price_minor_check check (price_minor >= 0),
    constraint listing_state_check check (state in ('certifying', 'live', 'failed', 'withdrawn'))
);
-- Browse pages are keyset-paged by these.
create index listing_published_ms_idx on listing (published_ms, id) where state = 'live';
create index listing_price_minor_idx on listing (price_minor, id) where state = 'live';
create index listing_person_id_idx on listing (person_id);

-- One sealed recipe of a listing; nothing in a row changes but its state and error.
create table version (
    id text primary key,
    listing_id text not null references listing (id),
    state text not null,
    error text,
    -- Recipe bytes and salt, encrypted together.
    secret_id text not null references secret (id),
    model text not null,
    profile text not null,
    scheduler text not null,
    steps bigint not null,
    width bigint not null,
    height bigint not null,
    variables text not null,
    creator_key text not null,
    leaf_hash text not null,
    listing_leaf_hash text not null,
    listing_statement text not null,
    certification_leaf_hash text,
    created_ms bigint not null,
    constraint version_leaf_hash_key unique (leaf_hash),
    constraint version_state_check check (state in ('logging', 'certifying', 'certified', 'live', 'failed'))
);
create index version_listing_id_idx on version (listing_id);

create table anchor (
    version_id text not null references version (id),
    idx bigint not null,
    -- Exact picture, for owners; and the labelled public copy.
    blob text not null,
    labelled_blob text not null,
    pixel_blake3 text not null,
    pixel_sha256 text not null,
    width bigint not null,
    height bigint not null,
    primary key (version_id, idx)
);
-- An equal picture by another creator is refused at submission.
create index anchor_pixel_blake3_idx on anchor (pixel_blake3);
-- A public file's address is its digest; the route asks whether it is a labelled copy.
create index anchor_labelled_blob_idx on anchor (labelled_blob);
