-- Carts, orders, what buyers own, and the sandbox provider's own books.

-- A cart belongs to a cookie, so that a visitor without account has one too.
create table cart_line (
    cart text not null,
    listing_id text not null references listing (id),
    added_ms bigint not null,
    primary key (cart, listing_id)
);

create table purchase (
    id text primary key,
    person_id text not null references person (id),
    state text not null,
    total_minor bigint not null,
    currency text not null,
    payment_id text,
    decline_code text,
    created_ms bigint not null,
    paid_ms bigint,
    constraint purchase_state_check check (state in ('open', 'paid', 'cancelled'))
);
create index purchase_person_id_idx on purchase (person_id, created_ms);
create unique index purchase_payment_id_key on purchase (payment_id) where payment_id is not null;

-- Price, fee schedule and licence as they were when sold: no code ever asks later which era a sale is from.
create table purchase_line (
    id text primary key,
    purchase_id text not null references purchase (id),
    listing_id text not null references listing (id),
    version_id text not null references version (id),
    buyer_id text not null references person (id),
    payee_id text not null references person (id),
    price_minor bigint not null,
    share_bp bigint not null,
    share_minor bigint not null,
    payee_minor bigint not null,
    licence text not null,
    state text not null,
    -- Where the payee's part lies: held, available, in transit, paid out to their account, or gone.
    earning text not null,
    created_ms bigint not null,
    paid_ms bigint,
    opened_ms bigint,
    refunded_minor bigint not null,
    refund_reason text,
    licence_secret_id text,
    licence_leaf_hash text,
    constraint purchase_line_state_check check (state in ('open', 'owned', 'refunded', 'cancelled')),
    constraint purchase_line_earning_check check (earning in ('none', 'held', 'available', 'transit', 'transferred', 'reversed')),
    constraint purchase_line_refunded_minor_check check (refunded_minor >= 0 and refunded_minor <= price_minor),
    constraint purchase_line_split_check check (share_minor + payee_minor = price_minor)
);
create index purchase_line_purchase_id_idx on purchase_line (purchase_id);
create index purchase_line_payee_id_idx on purchase_line (payee_id, earning);
-- Nobody owns one version twice.
create unique index purchase_line_owned_key on purchase_line (buyer_id, version_id) where state = 'owned';

-- A buyer's or the platform's re-run.
create table run (
    id text primary key,
    line_id text references purchase_line (id),
    version_id text not null references version (id),
    person_id text references person (id),
    state text not null,
    anchor bigint not null,
    step bigint not null,
    steps bigint not null,
    outcome text,
    error text,
    results text,
    created_ms bigint not null,
    finished_ms bigint,
    constraint run_state_check check (state in ('waiting', 'running', 'done', 'failed'))
);
create index run_line_id_idx on run (line_id, created_ms);
create index run_version_id_idx on run (version_id);

-- Payees at the provider, and each weekly decision about them, skipped ones with their reason.
create table payee (
    person_id text primary key references person (id),
    provider_account text not null,
    ready boolean not null,
    created_ms bigint not null
);

create table payout_decision (
    id text primary key,
    person_id text not null references person (id),
    decided_ms bigint not null,
    amount_minor bigint not null,
    -- 'paid' or a blocker by name.
    outcome text not null,
    until_ms bigint
);
create index payout_decision_person_id_idx on payout_decision (person_id, decided_ms);

-- The sandbox provider keeps its own record, as a real one would; nothing of the books reads these but reconciliation.
create table sandbox_payment (
    id text primary key,
    order_id text not null,
    amount_minor bigint not null,
    state text not null,
    card_last4 text,
    decline_code text,
    fee_minor bigint not null,
    available_ms bigint,
    created_ms bigint not null,
    constraint sandbox_payment_state_check check (state in ('open', 'confirming', 'paid', 'expired'))
);
create unique index sandbox_payment_order_id_key on sandbox_payment (order_id) where state in ('open', 'confirming', 'paid');

create table sandbox_account (
    id text primary key,
    person_id text not null,
    holder text,
    bank text,
    ready boolean not null,
    requirement text,
    -- Two clicks at once must not open two accounts.
    constraint sandbox_account_person_id_key unique (person_id)
);

-- Movements on the platform's balance (account 'platform') and on connected accounts.
create table sandbox_entry (
    id text primary key,
    -- One effect for one idempotency key.
    idem_key text not null,
    account text not null,
    kind text not null,
    amount_minor bigint not null,
    ref text not null,
    created_ms bigint not null,
    constraint sandbox_entry_idem_key_key unique (idem_key, account)
);
create index sandbox_entry_account_idx on sandbox_entry (account);

create table sandbox_payout (
    id text primary key,
    account text not null,
    amount_minor bigint not null,
    state text not null,
    arrives_ms bigint not null,
    created_ms bigint not null,
    constraint sandbox_payout_state_check check (state in ('pending', 'paid', 'failed'))
);
