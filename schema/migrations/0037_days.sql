-- What moved on each account by day: a chart of months reads days, not postings. Triggers keep it, and the check of the books compares it.

create table account_day (
    account_id text not null references account (id),
    -- Days since 1970, business time.
    day bigint not null,
    amount bigint not null,
    primary key (account_id, day)
);
insert into account_day (account_id, day, amount)
select posting.account_id, journal.occurred_ms / 86400000, cast(sum(posting.amount) as bigint)
from posting join journal on journal.id = posting.journal_id
group by posting.account_id, journal.occurred_ms / 86400000;

-- What earned a creator the most, and which of their sales banks took back, is found in the index alone.
drop index purchase_line_sold_idx;
create index purchase_line_sold_idx on purchase_line (payee_id, paid_ms, purchase_id, listing_id, price_minor, payee_minor, payee_borne_minor);

-- When a code was typed: carts of which nothing was ever ordered are forgotten with their codes.
alter table cart_coupon add column typed_ms bigint not null default 0;
update cart_coupon set typed_ms = coalesce((select max(added_ms) from cart_line where cart_line.cart = cart_coupon.cart), 0);
create index cart_coupon_typed_ms_idx on cart_coupon (typed_ms);

-- Whose words the label of a try has.
alter table trial add column lang text not null default 'en';
-- Where it came from, as a keyed digest: a bound for what waits from one place.
alter table trial add column block text not null default '';
create index trial_block_idx on trial (block) where state in ('waiting', 'running');
