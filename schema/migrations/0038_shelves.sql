-- What a creator and a shelf have on sale, the newest first: without these the walk goes through everybody's until a page is full.

create index listing_of_person_idx on listing (person_id, published_ms desc, id desc) where state = 'live';
create index listing_of_category_idx on listing (category, published_ms desc, id desc) where state = 'live';
