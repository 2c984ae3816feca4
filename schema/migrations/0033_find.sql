-- How listings are found: words by their creators, figures to order by, and what the search index has yet to look at.

-- Between commas, as `schema::tags` writes them.
alter table draft add column tags text not null default '';
alter table listing add column tags text not null default '';
-- Search has an index of its own.
alter table listing drop column search_text;
-- Owners, other than the creator, whose run of what they bought was exact; and those whose run was not.
alter table listing add column reproduced bigint not null default 0;
alter table listing add column differed bigint not null default 0;
-- Sales by how long ago they were, as a logarithm that needs no change as time goes by; it orders, and is no number to show.
alter table listing add column trend bigint not null default 0;
-- What an owner published, by the line that it stands for; and a listing's newest sales.
create index statement_attester_idx on statement (attester) where attester is not null;
drop index purchase_line_listing_id_idx;
create index purchase_line_listing_id_idx on purchase_line (listing_id, paid_ms);
-- What is on sale, by id: the search index and the map of the site walk it.
create index listing_live_idx on listing (id) where state = 'live';
