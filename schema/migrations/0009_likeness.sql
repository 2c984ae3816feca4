-- What the log made public and when, and what resembles what.

-- Every checkpoint that became public with new leaves in it, with the cosignatures that it had then. A leaf's first public
-- checkpoint dates it: a later one says less.
create table log_public (
    origin text not null,
    size bigint not null,
    note text not null,
    -- By the shop's own clock; a witness's time stands in the note.
    public_ms bigint not null,
    -- The first leaf that it made public. It is not the first of older ones, whose own was not kept.
    first_index bigint not null,
    primary key (origin, size)
);

-- What a version looks like to the search for copies. Both prints are worthless without the installation's key or already
-- public: the text's is keyed, the pictures' could be taken from the public copies.
create table likeness (
    version_id text primary key references version (id),
    person_id text not null references person (id),
    text_prints text not null,
    picture_prints text not null
);

-- A person's look at a version that resembles an earlier one. The one who submitted it learns no more than that it is in review.
create table review (
    version_id text primary key references version (id),
    state text not null,
    opened_ms bigint not null,
    decided_ms bigint,
    decided_by text references person (id),
    reason text,
    note text,
    constraint review_state_check check (state in ('open', 'approved', 'rejected'))
);
create index review_open_idx on review (opened_ms, version_id) where state = 'open';

-- What it resembles: shares in thousandths, and since when the one who submitted it owned the earlier one.
create table review_match (
    version_id text not null references review (version_id),
    earlier_version_id text not null references version (id),
    text_milli bigint not null,
    picture_milli bigint not null,
    owned_ms bigint,
    primary key (version_id, earlier_version_id)
);

-- What a finished run found, as a statement that its owner may sign.
alter table run add column statement text;
-- A re-run that nobody asked for names the release of the engine that it was made with.
alter table run add column release text;
create unique index run_release_key on run (version_id, release) where release is not null;
