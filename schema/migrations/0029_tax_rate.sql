-- What an invoice says of its tax: the rate in basis points, where all of an order's tax has one and the provider named it.
alter table purchase add column tax_basis_points bigint;
