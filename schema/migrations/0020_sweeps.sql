-- What only grew is forgotten when it is over, and found without a walk through the rest.
create index session_expires_ms_idx on session (expires_ms);
create index mail_token_expires_ms_idx on mail_token (expires_ms);
create index cart_line_added_ms_idx on cart_line (added_ms);

-- Orders that ended while a checkout of theirs was open at the provider.
create index purchase_unclosed_idx on purchase (state, created_ms) where state = 'cancelled' and payment_id is not null and end_reason <> 'unpaid';
