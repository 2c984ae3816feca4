-- The books: append-only double entry. Debit is positive, credit negative; the seal makes zero-sum a rule of the database.

create table account (
    id text primary key,
    kind text not null,
    owner text not null,
    currency text not null,
    normal bigint not null,
    -- Smallest balance on the normal side, or null when it may go either way.
    floor bigint,
    posted bigint not null default 0,
    constraint account_normal_check check (normal in (1, -1)),
    constraint account_floor_check check (floor is null or normal * posted >= floor),
    constraint account_kind_owner_currency_key unique (kind, owner, currency),
    constraint account_id_currency_key unique (id, currency)
);

create table seal (
    journal_id text primary key
);

create table journal (
    id text primary key,
    -- Names the fact, not the message: `sale:{payment}`, `op:{op}:ok`.
    idem_key text not null,
    fingerprint text not null,
    kind text not null,
    source text not null,
    occurred_ms bigint not null,
    recorded_ms bigint not null,
    constraint journal_idem_key_key unique (idem_key),
    -- An unsealed entry makes the commit fail.
    constraint journal_seal_fkey foreign key (id) references seal (journal_id) deferrable initially deferred
);

create table posting (
    journal_id text not null references journal (id),
    idx bigint not null,
    account_id text not null,
    currency text not null,
    amount bigint not null,
    order_line text,
    primary key (journal_id, idx),
    constraint posting_amount_check check (amount <> 0),
    constraint posting_account_fkey foreign key (account_id, currency) references account (id, currency)
);
create index posting_account_id_idx on posting (account_id);
create index posting_order_line_idx on posting (order_line);

-- Calls to a provider: planned, sent, then ok, rejected or unknown. Parameters never change.
create table outbound_op (
    id text primary key,
    kind text not null,
    order_line text,
    payee text,
    amount bigint not null,
    currency text not null,
    parameters text not null,
    generation bigint not null,
    state text not null,
    provider_ref text,
    error_code text,
    created_ms bigint not null,
    sent_ms bigint,
    finished_ms bigint,
    constraint outbound_op_amount_check check (amount > 0),
    constraint outbound_op_state_check check (state in ('planned', 'sent', 'ok', 'rejected', 'unknown'))
);
create index outbound_op_order_line_idx on outbound_op (order_line);

-- The inbox: each event of a provider once, stored before it is answered.
create table provider_event (
    id text primary key,
    type text not null,
    object_id text not null,
    created_ms bigint not null,
    received_ms bigint not null,
    state text not null,
    last_error text,
    constraint provider_event_state_check check (state in ('received', 'done', 'ignored'))
);
