-- An index for every question that a page or a job asks of a table that grows with the shop. Where only what is open is asked for,
-- the index holds only that: it stays small however much is done. A partial index repeats its condition word for word in the
-- statement: SQLite takes it for nothing less.

-- Browse: sorted by sales; and a creator's own, newest first.
create index listing_sales_idx on listing (sales, id) where state = 'live';
drop index listing_person_id_idx;
create index listing_person_id_idx on listing (person_id, created_ms desc, id);

-- The books: whose accounts, what moved there last, what one fact was booked as, and a period's entries.
create index account_owner_idx on account (owner);
create index account_owed_idx on account (owner) where kind in ('seller:available', 'seller:frozen', 'seller:receivable') and posted <> 0;
create index account_connected_idx on account (owner) where kind = 'connected:balance' and posted <> 0;
drop index posting_account_id_idx;
create index posting_account_id_idx on posting (account_id, journal_id);
create index journal_source_idx on journal (source, kind);
create index journal_occurred_ms_idx on journal (occurred_ms, id);
create index journal_refund_failed_idx on journal (occurred_ms, id) where kind = 'refund failed';

-- Orders and lines: what nobody paid yet, a buyer's library, a creator's sales, a listing's owners, and what the sweep looks at.
create index purchase_open_idx on purchase (state, created_ms) where state = 'open';
create index purchase_provider_idx on purchase (state, provider, total_minor);
create index purchase_line_buyer_id_idx on purchase_line (buyer_id, paid_ms);
create index purchase_line_listing_id_idx on purchase_line (listing_id);
create index purchase_line_sold_idx on purchase_line (payee_id, paid_ms);
drop index purchase_line_earning_idx;
create index purchase_line_held_idx on purchase_line (paid_ms, id) where earning = 'held' and dispute_id is null;
create index purchase_line_available_idx on purchase_line (payee_id, id) where earning = 'available' and dispute_id is null;
create index purchase_line_earning_idx on purchase_line (payee_id) where earning in ('held', 'available');
create index dispute_unanswered_idx on dispute (due_ms, id) where closed_ms is null and submitted_ms is null;
create index dispute_open_first_idx on dispute ((case when closed_ms is null then 0 else 1 end), opened_ms desc, id);
create index coupon_owner_idx on coupon ((coalesce(person_id, '')), created_ms desc, id);

-- Work: what gave up, and what needs a look.
create index job_dead_idx on job (created_ms) where state = 'dead';
create index job_trouble_idx on job (created_ms desc, id desc) where state = 'dead' or (finished_ms is null and last_error is not null);
create index run_open_idx on run (release) where state in ('waiting', 'running');
create index rate_window_ms_idx on rate (window_ms);

-- Near copies: what was decided last, and a pair from its other side.
create index review_decided_idx on review (decided_ms desc, version_id) where state <> 'open';
create index review_match_earlier_version_id_idx on review_match (earlier_version_id);

-- Payees and payouts.
create index payee_provider_account_idx on payee (provider_account);
create index payee_account_person_id_idx on payee_account (person_id);
create index payout_decision_decided_ms_idx on payout_decision (decided_ms, id);
create index payout_created_ms_idx on payout (provider, created_ms);
create index payout_manual_idx on payout (provider, (case when state = 'pending' then 0 else 1 end), created_ms desc, id) where provider = 'manual';

-- Calls to providers and their events.
create index outbound_op_created_ms_idx on outbound_op (created_ms, id);
create index outbound_op_state_idx on outbound_op (state, created_ms, id);
create index outbound_op_provider_ref_idx on outbound_op (provider_ref, kind) where provider_ref is not null;
drop index provider_event_received_ms_idx;
create index provider_event_received_ms_idx on provider_event (received_ms desc, id);
create index provider_event_state_idx on provider_event (state, received_ms desc, id);
create index provider_event_quarantined_idx on provider_event (received_ms desc, id) where quarantined_ms is not null;
create index provider_event_body_idx on provider_event (received_ms) where body is not null and state <> 'received';

-- Whether an owner opened a secret before.
create index secret_opening_secret_id_idx on secret_opening (secret_id, actor);

-- The first statement of a kind about a leaf, however many there are.
drop index statement_about_leaf_hash_idx;
create index statement_about_leaf_hash_idx on statement (about_leaf_hash, predicate, created_ms, leaf_hash);

-- The log's queue in the order in which it is taken, so that a long queue costs a batch no more than a short one. And a leaf's
-- row that is written again asks who refers to it.
drop index log_leaf_pending_idx;
create index key_end_leaf_hash_idx on key_end (leaf_hash);
create index log_leaf_pending_idx on log_leaf (origin, queued_ms, kind, leaf_hash) where coalesce(log_index, -1) = -1;
