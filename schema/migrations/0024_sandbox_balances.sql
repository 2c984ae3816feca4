-- What lies on each seller's account at the sandbox, kept with every movement: a minute's turn asks only for those with money, and
-- never adds up everything that ever moved.
alter table sandbox_account add column balance_minor bigint not null default 0;
update sandbox_account set balance_minor = coalesce((select sum(amount_minor) from sandbox_entry where sandbox_entry.account = sandbox_account.id), 0);
create index sandbox_account_payable_idx on sandbox_account (id) where balance_minor > 0 and not blocked;
create index sandbox_account_returns_idx on sandbox_account (id) where bank_failure = 'late:account_closed';

drop index sandbox_entry_account_idx;
create index sandbox_entry_account_idx on sandbox_entry (account, created_ms, id);
create index sandbox_entry_ref_idx on sandbox_entry (ref, kind);
create index sandbox_entry_operation_idx on sandbox_entry (operation, kind) where operation is not null;
create index sandbox_payment_becoming_idx on sandbox_payment (available_ms, id) where available_ms is not null;
create index sandbox_refund_pending_idx on sandbox_refund (id) where state = 'pending';
create index sandbox_dispute_open_idx on sandbox_dispute (id) where state in ('inquiry', 'needs_response', 'under_review');
create index sandbox_payout_account_idx on sandbox_payout (account, created_ms, id);
create index sandbox_payout_arriving_idx on sandbox_payout (arrives_ms, id) where state = 'pending';
