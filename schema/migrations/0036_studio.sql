-- What became of a draft, and which pictures have one seed.

-- The newest listing that was published from a draft, and when: what is changed afterwards is worked on again.
alter table draft add column listing_id text references listing (id);
alter table draft add column published_ms bigint;
create index draft_listing_id_idx on draft (listing_id);
-- The first picture with its seed: itself, unless the seed was taken from another one.
alter table picture add column origin_id text not null default '';
update picture set origin_id = id;
create index picture_origin_id_idx on picture (origin_id);
-- Exact pictures are named by their content: drafts of before are found by the pictures that were sealed.
update draft set
    listing_id = (
        select listing.id from picture
        join anchor on anchor.pixel_blake3 = picture.pixel_blake3
        join version on version.id = anchor.version_id
        join listing on listing.id = version.listing_id and listing.person_id = draft.person_id
        where picture.draft_id = draft.id order by listing.created_ms desc, listing.id desc limit 1
    );
update draft set published_ms = (select listing.created_ms from listing where listing.id = draft.listing_id) where listing_id is not null;
