-- Who stands behind a public statement on a reproduction: 'platform', or the order line of the owner who made it. One voice for
-- each, whatever keys an owner makes; never shown.
alter table statement add column attester text;
update statement set attester = 'platform' where outcome is not null;
