-- Why an order that nobody paid ended: told to its buyer, also when the payment arrives all the same and goes back.
alter table purchase add column end_reason text;
update purchase set end_reason = 'unpaid' where state = 'cancelled';
-- Whoever changes a listing looks for the open orders that hold it.
create index purchase_line_open_idx on purchase_line (listing_id) where state = 'open';
create index purchase_line_open_set_idx on purchase_line (set_id) where state = 'open';
