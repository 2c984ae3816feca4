-- Providers beside the sandbox, refunds in part, disputes, payouts that fail or are made by hand, coupons, sets, and guests.

alter table purchase add column provider text not null default 'sandbox';
-- What refunds and transfers name at the provider, known once it is paid.
alter table purchase add column charge_id text;
alter table purchase add column card_last4 text;
alter table purchase add column tax_minor bigint not null default 0;
alter table purchase add column discount_minor bigint not null default 0;
alter table purchase add column coupon_id text;
alter table purchase add column country text;
-- Checkouts of this order that ended without payment.
alter table purchase add column attempts bigint not null default 0;
-- Counted without gaps, when it is paid.
alter table purchase add column invoice_number bigint;
create index purchase_charge_id_idx on purchase (charge_id) where charge_id is not null;
create unique index purchase_invoice_number_key on purchase (invoice_number) where invoice_number is not null;

create table counter (
    name text primary key,
    value bigint not null
);
insert into counter (name, value) values ('invoice', 0);

-- The price of a line is what its creator sells it for; a discount of ours lowers only what the buyer pays.
alter table purchase_line add column list_minor bigint not null default 0;
alter table purchase_line add column promotion_minor bigint not null default 0;
alter table purchase_line add column tax_minor bigint not null default 0;
alter table purchase_line add column set_id text;
-- What of tax and discount went back with refunds, and how much of the payee's part the payee bore.
alter table purchase_line add column refunded_tax_minor bigint not null default 0;
alter table purchase_line add column refunded_promotion_minor bigint not null default 0;
alter table purchase_line add column payee_borne_minor bigint not null default 0;
-- What of the payee's part is frozen, and by which dispute.
alter table purchase_line add column frozen_minor bigint not null default 0;
alter table purchase_line add column dispute_id text;
update purchase_line set list_minor = price_minor;
update purchase_line set payee_borne_minor = payee_minor where earning = 'reversed';
create index purchase_line_dispute_id_idx on purchase_line (dispute_id) where dispute_id is not null;
create index purchase_line_earning_idx on purchase_line (earning) where earning in ('held', 'available');

alter table outbound_op add column provider text not null default 'sandbox';
alter table outbound_op add column attempts bigint not null default 0;
alter table outbound_op add column first_sent_ms bigint;
alter table outbound_op add column last_error text;
create index outbound_op_open_idx on outbound_op (created_ms) where state in ('planned', 'sent', 'unknown');
create index outbound_op_payee_idx on outbound_op (payee, kind);

-- The raw body is kept for ninety days: what could not be read is quarantined, never lost.
alter table provider_event add column provider text not null default 'sandbox';
alter table provider_event add column account text;
alter table provider_event add column api_version text;
alter table provider_event add column livemode boolean not null default false;
alter table provider_event add column body text;
alter table provider_event add column attempts bigint not null default 0;
alter table provider_event add column quarantined_ms bigint;
create index provider_event_received_ms_idx on provider_event (received_ms);

create table dispute (
    id text primary key,
    purchase_id text not null references purchase (id),
    charge_id text not null,
    amount_minor bigint not null,
    fee_minor bigint not null,
    reason text not null,
    state text not null,
    -- Who bears a loss: the seller, or the platform (fraud, a claim that was upheld, a refund that was out before).
    bearer text not null,
    due_ms bigint,
    evidence text,
    submitted_ms bigint,
    opened_ms bigint not null,
    closed_ms bigint,
    constraint dispute_state_check check (state in ('inquiry', 'withdrawn', 'won', 'lost', 'closed')),
    constraint dispute_bearer_check check (bearer in ('seller', 'platform'))
);
create index dispute_purchase_id_idx on dispute (purchase_id);

alter table payee add column provider text not null default 'sandbox';
alter table payee add column country text not null default 'US';
-- What the provider still asks for, one name a line, and why it pays nothing out.
alter table payee add column requirements text not null default '';
alter table payee add column disabled text;
-- A blocker by name: the bank refused, or a person stopped payouts.
alter table payee add column paused text;
-- Where money goes that is sent by hand; lies in the vault.
alter table payee add column details_secret_id text;

-- Every account that a person ever had: payouts of an older one still arrive, or come back.
create table payee_account (
    id text primary key,
    person_id text not null references person (id),
    provider text not null
);
insert into payee_account (id, person_id, provider) select provider_account, person_id, provider from payee;

-- Payouts from a seller's provider account to their bank, and those that we make by hand.
create table payout (
    id text primary key,
    person_id text not null references person (id),
    provider text not null,
    amount_minor bigint not null,
    state text not null,
    failure text,
    created_ms bigint not null,
    arrives_ms bigint,
    reference text,
    entered_by text,
    confirmed_by text,
    constraint payout_state_check check (state in ('pending', 'paid', 'failed', 'cancelled', 'returned'))
);
create index payout_person_id_idx on payout (person_id, created_ms);

create table coupon (
    id text primary key,
    -- Folded; what buyers type.
    code text not null,
    -- Null for a coupon of the platform, which pays for it itself.
    person_id text references person (id),
    percent bigint,
    amount_minor bigint,
    minimum_minor bigint not null,
    uses_left bigint,
    once_per_buyer boolean not null,
    starts_ms bigint not null,
    ends_ms bigint,
    ended_ms bigint,
    created_ms bigint not null,
    constraint coupon_kind_check check ((percent is null) <> (amount_minor is null)),
    constraint coupon_percent_check check (percent is null or (percent >= 1 and percent <= 100)),
    constraint coupon_uses_left_check check (uses_left is null or uses_left >= 0)
);
create unique index coupon_code_key on coupon (code) where ended_ms is null;
create index coupon_person_id_idx on coupon (person_id);

create table coupon_use (
    coupon_id text not null references coupon (id),
    purchase_id text not null references purchase (id),
    person_id text not null references person (id),
    state text not null,
    created_ms bigint not null,
    primary key (coupon_id, purchase_id),
    constraint coupon_use_state_check check (state in ('reserved', 'used', 'released'))
);
create index coupon_use_person_id_idx on coupon_use (person_id, coupon_id);
create index coupon_use_purchase_id_idx on coupon_use (purchase_id);

-- Several listings of one creator for one price; what a buyer owns already is subtracted.
create table listing_set (
    id text primary key,
    slug text not null,
    person_id text not null references person (id),
    title text not null,
    price_minor bigint not null,
    state text not null,
    created_ms bigint not null,
    constraint listing_set_slug_key unique (slug),
    constraint listing_set_state_check check (state in ('live', 'ended'))
);
create index listing_set_person_id_idx on listing_set (person_id);
create table listing_set_item (
    set_id text not null references listing_set (id),
    listing_id text not null references listing (id),
    idx bigint not null,
    primary key (set_id, listing_id)
);
create index listing_set_item_listing_id_idx on listing_set_item (listing_id);
alter table cart_line add column set_id text;
-- What the visitor typed, kept with the cart.
create table cart_coupon (
    cart text primary key,
    code text not null
);

-- An account that was made by a purchase without sign-up, until a link in a mail claims it.
alter table person add column guest boolean not null default false;
create table mail_token (
    token_hash text primary key,
    person_id text not null references person (id),
    purpose text not null,
    expires_ms bigint not null,
    used_ms bigint
);

-- The sandbox's own record of what a real provider would know.
alter table sandbox_payment add column card text;
alter table sandbox_payment add column country text;
alter table sandbox_payment add column tax_minor bigint not null default 0;
alter table sandbox_payment add column taxes text not null default '';
alter table sandbox_payment add column lines text not null default '';
alter table sandbox_payment add column return_url text not null default '';
create table sandbox_refund (
    id text primary key,
    payment_id text not null,
    operation text not null,
    amount_minor bigint not null,
    state text not null,
    constraint sandbox_refund_state_check check (state in ('pending', 'succeeded', 'failed'))
);
create table sandbox_dispute (
    id text primary key,
    payment_id text not null,
    amount_minor bigint not null,
    fee_minor bigint not null,
    reason text not null,
    state text not null,
    evidence text,
    due_ms bigint not null,
    constraint sandbox_dispute_state_check check (state in ('inquiry', 'closed', 'needs_response', 'under_review', 'won', 'lost'))
);
create index sandbox_dispute_payment_id_idx on sandbox_dispute (payment_id);
alter table sandbox_account add column country text not null default 'US';
-- What the bank does with payouts, and whether it must be changed first.
alter table sandbox_account add column bank_failure text;
alter table sandbox_account add column blocked boolean not null default false;
alter table sandbox_payout add column failure text;
alter table sandbox_entry add column operation text;
