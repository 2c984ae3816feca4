-- Buying without an account: nothing that a visitor types makes an account or holds an address before the payment, and what a
-- browser may see of such an order hangs on its cart.

-- The cart that an order was made of: it is emptied when the order is paid, and a visitor's browser shows the order by it.
alter table purchase add column cart text;
alter table purchase add column by_visitor boolean not null default false;
create index purchase_cart_idx on purchase (cart, created_ms) where cart is not null;

-- The address as it is compared, for everybody. `email_folded` is the name by which an account is found, and is the id of the row
-- until somebody paid: an address that was only typed is nobody's name.
alter table person add column address_folded text not null default '';
update person set address_folded = email_folded;
create index person_address_folded_idx on person (address_folded);

-- Opening one mailed link ends the others of the same person.
create index mail_token_person_id_idx on mail_token (person_id);
