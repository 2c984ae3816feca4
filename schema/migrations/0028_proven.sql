-- When somebody opened a mailed link, so that the address is known to be theirs. A password alone shows nothing: anybody may sign up with
-- anybody's address.
alter table person add column proven_ms bigint;
-- Visitors who typed an address and have no account of it.
create index person_visitor_idx on person (address_folded, created_ms desc, id) where guest and email_folded <> address_folded;
