-- What the first page and a listing's page look for, and what people report.

-- What was regenerated bit for bit, the newest first.
create index statement_exact_idx on statement (created_ms desc, leaf_hash) where outcome = 'exact';
-- What owners regenerated most often.
create index listing_reproduced_idx on listing (reproduced desc, id desc) where state = 'live' and reproduced > 0;
-- The newest sets.
create index listing_set_created_ms_idx on listing_set (created_ms desc, id) where state = 'live';

-- What somebody says is wrong with a listing.
create table report (
    id text primary key,
    -- What whoever reported it was given; by it they find out how it stands.
    receipt text not null,
    listing_id text not null references listing (id),
    version_id text not null references version (id),
    -- Whoever was signed in.
    person_id text references person (id),
    reason text not null,
    details text not null,
    state text not null,
    created_ms bigint not null,
    constraint report_receipt_key unique (receipt),
    constraint report_state_check check (state in ('open', 'working', 'acted', 'dismissed'))
);
create index report_state_idx on report (state, created_ms, id);
create index report_listing_id_idx on report (listing_id, created_ms);
