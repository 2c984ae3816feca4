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

-- What earned a creator the most is summed from the index alone.
drop index purchase_line_sold_idx;
create index purchase_line_sold_idx on purchase_line (payee_id, paid_ms, listing_id, price_minor, payee_minor, payee_borne_minor);

-- Whose words the label of a try has.
alter table trial add column lang text not null default 'en';
