-- What an invoice says of its tax: the rate in basis points, where all of an order's tax has one and the provider named it.
alter table purchase add column tax_basis_points bigint;
-- A listing counts who owns it now; what went back was counted before.
update listing set sales = (select count(*) from purchase_line where purchase_line.listing_id = listing.id and purchase_line.state = 'owned');
