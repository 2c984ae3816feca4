-- The version that a listing shows and sells: the newest that is live, and before any is, the one that is on its way.
alter table listing add column version_id text references version (id);
update listing set version_id = (
    select version.id from version where version.listing_id = listing.id
    order by case when version.state = 'live' then 0 else 1 end, version.created_ms desc, version.id desc limit 1
);
-- Which listing sells a version.
create index listing_version_id_idx on listing (version_id);
