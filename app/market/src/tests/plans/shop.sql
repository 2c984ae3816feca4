-- A large shop, for the plans of every statement: 100,000 listings and what belongs to them. One text for both databases.
-- What grows with the shop must have rows here, or its statements are planned as if it never did.
create table number (i bigint primary key);
insert into number (i) with recursive n (i) as (select 0 union all select i + 1 from n where i < 99999) select i from n;

insert into person (id, email, email_folded, handle, password_hash, role, created_ms)
    select 'p' || i, 'p' || i || '@x.example', 'p' || i || '@x.example', 'handle' || i, 'x', 'member', i from number where i < 20000;
insert into session (id_hash, person_id, created_ms, seen_ms, expires_ms)
    select 's' || i, 'p' || (i % 20000), i, i, i + 1000 from number where i < 30000;
insert into creator_key (key_hash, person_id, public_key, created_ms) select 'k' || i, 'p' || i, 'key' || i, i from number where i < 5000;
insert into public_key (key_hash, public_key) select 'k' || i, 'key' || i from number where i < 5000;
insert into rate (subject, window_ms, count) select 'sign-in:' || (i % 5000), i / 5000, 1 from number where i < 20000;
insert into form_answer (owner, route, form_key, location, created_ms) select 'p' || (i % 20000), '/checkout', 'f' || i, '/', i from number where i < 30000;
insert into mail_token (token_hash, person_id, purpose, expires_ms) select 't' || i, 'p' || i, 'claim', i from number where i < 20000;

-- Nearly all work is done; a little is open, and a little gave up.
insert into job (id, kind, unique_key, payload, state, run_at_ms, attempts, last_error, created_ms, finished_ms)
    select 'j' || i, case when i % 3 = 0 then 'go-live' else 'event' end, 'u' || i, '{}',
        case when i % 1000 = 1 then 'waiting' when i % 1000 = 2 then 'dead' else 'done' end,
        i, 1, case when i % 1000 = 2 then 'why' end, i, case when i % 1000 = 1 then null else i end
    from number;

insert into secret (id, wrapped_key, ciphertext, created_ms) select 'e' || i, 'w', 'c', i from number;
insert into secret_opening (id, secret_id, actor, reason, opened_ms) select 'o' || i, 'e' || (i % 50000), 'p' || (i % 20000), 'owner', i from number;

insert into log_leaf (leaf_hash, origin, kind, digest, key_hash, leaf, queued_ms, log_index)
    select 'l' || i, 'here', i % 6, 'd' || i, 'k' || (i % 5000), 'leaf', i, i from number;
insert into log_leaf (leaf_hash, origin, kind, digest, key_hash, leaf, queued_ms, log_index)
    select 'm' || i, 'here', 1, 'n' || i, 'k' || (i % 5000), 'leaf', i, case when i < 98000 then i + 100000 end from number;
insert into statement (leaf_hash, about_leaf_hash, predicate, envelope, public_key, outcome, environment, created_ms, attester)
    select 'm' || i, 'l' || i, case when i % 2 = 0 then 'reproduction' else 'certification' end, '{}', 'key',
        case when i % 50 = 0 then 'near' else 'exact' end, '1.0/linux', i, case when i % 3 = 0 then 'n' || i else 'platform' end from number;
insert into key_end (key_hash, leaf_hash, reason, authority, created_ms) select 'k' || i, 'l' || i, 'lost', 'owner', i from number where i < 2000;
insert into log_public (origin, size, note, public_ms, first_index) select 'here', i + 1, 'note', i, i from number where i < 20000;

insert into draft (id, person_id, title, description, category, price_minor, licence, secret_id, created_ms, updated_ms)
    select 'd' || i, 'p' || (i % 5000), 'Title', '', 'badges', 300, 'personal', 'e' || i, i, i from number where i < 30000;
insert into picture (id, draft_id, person_id, secret_id, text_tag, state, step, steps, blob, pixel_blake3, origin_id, created_ms)
    select 'c' || i, 'd' || (i % 30000), 'p' || (i % 5000), 'e' || i, 'tag', case when i % 1000 = 1 then 'waiting' else 'done' end, 8, 8, 'b' || i,
        'x' || i, 'c' || case when i >= 30000 and i % 3 = 0 then i - 30000 else i end, i
    from number where i < 60000;
insert into starting_file (owner_id, blob, created_ms) select 'd' || (i % 30000), 'st' || i, i from number where i < 60000;
insert into varied_seed (origin_id, version_id, created_ms) select 'c' || i, 'v' || i, i from number where i < 20000;
insert into comparison (id, person_id, title, models, created_ms) select 'cmp' || i, 'p' || (i % 5000), 'Title', 2, i from number where i < 20000;
insert into comparison_cell (comparison_id, idx, draft_id, picture_id) select 'cmp' || (i / 3), i % 3, 'd' || (i % 30000), 'c' || i from number where i < 60000;
insert into listing (id, slug, person_id, title, description, category, language, price_minor, licence, state, created_ms, published_ms, sales, version_id)
    select 'g' || i, 'slug-' || i, 'p' || (i % 5000), 'Title ' || i, 'words', case when i % 4 = 0 then 'badges' else 'icons' end, 'en', i % 900, 'personal',
        case when i % 20 = 0 then 'withdrawn' else 'live' end, i, i, i % 50, 'v' || i
    from number;
update draft set listing_id = 'g' || substr(id, 2), published_ms = updated_ms where id like '%0' or id like '%5';
insert into version (id, listing_id, state, secret_id, model, profile, scheduler, steps, width, height, variables, creator_key, leaf_hash,
        listing_leaf_hash, listing_statement, created_ms)
    select 'v' || i, 'g' || i, case when i % 20 = 0 then 'failed' else 'live' end, 'e' || i, 'model' || (i % 40), 'portable-1', 'ddim', 8, 128, 128, '[]',
        'k' || (i % 5000), 'l' || i, 'm' || i, '{}', i
    from number;
insert into anchor (version_id, idx, blob, labelled_blob, pixel_blake3, pixel_sha256, width, height)
    select 'v' || i, 0, 'a' || i, 'b' || i, 'x' || i, 'y' || i, 128, 128 from number;
insert into likeness (version_id, person_id, text_prints, picture_prints) select 'v' || i, 'p' || (i % 5000), 'prints', 'prints' from number;
insert into review (version_id, state, opened_ms, decided_ms)
    select 'v' || i, case when i % 100 = 1 then 'open' else 'approved' end, i, case when i % 100 = 1 then null else i end from number where i < 20000;
insert into review_match (version_id, earlier_version_id, text_milli, picture_milli) select 'v' || i, 'v' || (i + 20000), 900, 900 from number where i < 20000;

insert into coupon (id, code, person_id, percent, minimum_minor, once_per_buyer, starts_ms, created_ms)
    select 'q' || i, 'CODE' || i, 'p' || (i % 1000), 10, 0, false, 0, i from number where i < 5000;
insert into listing_set (id, slug, person_id, title, price_minor, state, created_ms)
    select 'z' || i, 'set-' || i, 'p' || (i % 1000), 'Set', 500, 'live', i from number where i < 5000;
insert into listing_set_item (set_id, listing_id, idx) select 'z' || (i / 4), 'g' || i, i % 4 from number where i < 20000;
insert into cart_line (cart, listing_id, added_ms) select 'cart' || (i / 2), 'g' || i, i from number where i < 30000;
insert into cart_coupon (cart, code) select 'cart' || i, 'CODE' || i from number where i < 5000;
insert into purchase (id, person_id, state, total_minor, currency, payment_id, created_ms, paid_ms, charge_id, invoice_number)
    select 'r' || i, 'p' || (i % 20000), case when i % 500 = 1 then 'open' when i % 50 = 2 then 'cancelled' else 'paid' end, 300, 'USD', 'pay' || i, i, i,
        'pay' || i, i
    from number;
insert into purchase_line (id, purchase_id, listing_id, version_id, buyer_id, payee_id, price_minor, share_bp, share_minor, payee_minor, licence, state,
        earning, created_ms, paid_ms, refunded_minor, list_minor, dispute_id)
    select 'n' || i, 'r' || i, 'g' || (i / 3), 'v' || (i / 3), 'p' || (i % 20000), 'p' || (i % 3000), 300, 1000, 30, 270, 'personal',
        case when i % 500 = 1 then 'open' when i % 50 = 2 then 'refunded' else 'owned' end,
        case when i % 40 = 3 then 'held' when i % 40 = 4 then 'available' when i % 500 = 1 then 'none' else 'transferred' end, i, i, 0, 300,
        case when i % 50 = 7 then 'w' || i end
    from number;
insert into coupon_use (coupon_id, purchase_id, person_id, state, created_ms)
    select 'q' || (i % 5000), 'r' || i, 'p' || (i % 20000), 'used', i from number where i < 20000;
insert into dispute (id, purchase_id, charge_id, amount_minor, fee_minor, reason, state, bearer, due_ms, opened_ms, closed_ms, submitted_ms)
    select 'w' || i, 'r' || i, 'pay' || i, 300, 0, 'fraud', case when i % 100 = 7 then 'inquiry' else 'won' end, 'seller', i, i,
        case when i % 100 = 7 then null else i end, case when i % 100 = 7 then null else i end
    from number where i % 10 = 7;
insert into run (id, line_id, version_id, person_id, state, anchor, step, steps, outcome, created_ms, finished_ms, release)
    select 'run' || i, case when i % 2 = 0 then 'n' || i end, 'v' || i, 'p' || (i % 20000), case when i % 1000 = 1 then 'waiting' else 'done' end, 0, 8, 8,
        case when i % 50 = 0 then 'near' else 'exact' end, i, i, case when i % 2 = 1 then '1.0' end
    from number;
insert into run_file (run_id, blob) select 'run' || i, 'a' || i from number;
insert into own_run (id, person_id, holding_id, version_id, secret_id, steps, created_ms)
    select 'own' || i, 'p' || (i % 20000), 'n' || (i / 5), 'v' || (i / 5), 'e' || i, 8, i from number;
insert into own_picture (run_id, idx, state, step, blob)
    select 'own' || i, 0, case when i % 1000 = 1 then 'waiting' else 'done' end, 8, 'o' || i from number;
insert into acknowledgement (id, person_id, holding_id, wording, language, acknowledged_ms)
    select 'ack' || i, 'p' || (i % 20000), 'n' || i, 1, 'en', i from number where i < 20000;
insert into unlabelled_download (id, acknowledgement_id, what, created_ms) select 'u' || i, 'ack' || (i % 20000), 'what', i from number;
insert into trial (id, listing_id, version_id, who, form_key, chosen, state, step, steps, blob, created_ms)
    select 't' || i, 'g' || (i / 8), 'v' || (i / 8), 'p' || (i % 20000), 'f' || i, '{}', case when i % 1000 = 1 then 'waiting' else 'done' end, 8, 8,
        case when i > 95000 then 'tr' || i end, i
    from number;

-- Six accounts for each creator, and a few of the platform's, through which everything goes.
insert into account (id, kind, owner, currency, normal, posted)
    select 'a' || i, case i % 6 when 0 then 'seller:held' when 1 then 'seller:available' when 2 then 'seller:frozen' when 3 then 'connected:balance'
            when 4 then 'connected:paid_out' else 'connected:funded' end, 'p' || (i / 6), 'USD', -1, case when i % 60 = 1 or i % 120 = 3 then 5 else 0 end
    from number where i < 30000;
insert into account (id, kind, owner, currency, normal)
    select 'b' || i, case i when 0 then 'processor:pending' when 1 then 'processor:available' when 2 then 'bank:operating' when 3 then 'suspense'
            when 4 then 'transit:refund' when 5 then 'dispute:held' else 'platform:share' end, 'sandbox', 'USD', 1
    from number where i < 7;
insert into journal (id, idem_key, fingerprint, kind, source, occurred_ms, recorded_ms)
    select 'y' || i, 'sale:' || i, 'f', case i % 10 when 0 then 'release' when 1 then 'payout' when 2 then 'refund planned' else 'sale' end,
        case when i % 100 = 0 then 'op' || i else 'pay' || i end, i, i
    from number;
insert into posting (journal_id, idx, account_id, currency, amount, order_line)
    select 'y' || i, 0, 'b' || (i % 2), 'USD', 300, 'n' || i from number;
insert into posting (journal_id, idx, account_id, currency, amount, order_line)
    select 'y' || i, 1, 'a' || ((i % 3000) * 6), 'USD', -300, 'n' || i from number;
insert into seal (journal_id) select 'y' || i from number;
-- Half a year of each account; triggers write the first days where they are not switched off.
insert into account_day (account_id, day, amount)
    select 'a' || ((i % 3000) * 6), 1 + i / 3000, -300 from number where true on conflict do nothing;
insert into outbound_op (id, kind, order_line, payee, amount, currency, parameters, generation, state, provider_ref, created_ms, decision_id)
    select 'op' || i, case when i % 5 = 0 then 'refund' else 'transfer' end, 'n' || i, 'p' || (i % 3000), 300, 'USD', '{}', 1,
        case when i % 1000 = 1 then 'planned' when i % 1000 = 2 then 'rejected' else 'ok' end, 'tr' || i, i, 'dec' || (i / 3)
    from number where i < 60000;
insert into provider_event (id, type, object_id, created_ms, received_ms, state, body, quarantined_ms)
    select 'ev' || i, 'payment.paid', 'pay' || i, i, i, case when i % 1000 = 1 then 'received' else 'done' end, case when i > 50000 then 'body' end,
        case when i % 2000 = 1 then i end
    from number where i < 60000;
insert into payee (person_id, provider_account, ready, created_ms) select 'p' || i, 'acct' || i, true, i from number where i < 4000;
insert into payee_account (id, person_id, provider) select 'acct' || i, 'p' || i, 'sandbox' from number where i < 4000;
insert into payout_decision (id, person_id, decided_ms, amount_minor, outcome)
    select 'dec' || i, 'p' || (i % 4000), i, 300, case when i % 4 = 0 then 'paid' else 'below_minimum' end from number;
insert into payout (id, person_id, provider, amount_minor, state, created_ms, arrives_ms)
    select 'out' || i, 'p' || (i % 4000), case when i % 100 = 0 then 'manual' else 'sandbox' end, 300, case when i % 1000 = 0 then 'pending' else 'paid' end, i, i
    from number where i < 40000;

insert into sandbox_payment (id, order_id, amount_minor, state, fee_minor, available_ms, created_ms)
    select 'pay' || i, 'r' || i, 300, case when i % 500 = 1 then 'open' else 'paid' end, 30, case when i % 100 = 3 then i end, i from number;
insert into sandbox_entry (id, idem_key, account, kind, amount_minor, ref, created_ms, operation)
    select 'se' || i, 'sale:' || i, case when i % 4 = 0 then 'acct' || (i % 4000) else 'platform' end,
        case i % 4 when 0 then 'transfer' when 1 then 'refund' else 'payment' end, 300, 'pay' || i, i, 'op' || i
    from number;
insert into sandbox_account (id, person_id, ready) select 'acct' || i, 'p' || i, true from number where i < 4000;
insert into sandbox_payout (id, account, amount_minor, state, arrives_ms, created_ms)
    select 'out' || i, 'acct' || (i % 4000), 300, case when i % 1000 = 0 then 'pending' else 'paid' end, i, i from number where i < 40000;
insert into sandbox_refund (id, payment_id, operation, amount_minor, state)
    select 'rf' || i, 'pay' || i, 'op' || i, 300, case when i % 500 = 0 then 'pending' else 'succeeded' end from number where i < 10000;
insert into sandbox_dispute (id, payment_id, amount_minor, fee_minor, reason, state, due_ms)
    select 'w' || i, 'pay' || i, 300, 0, 'fraud', case when i % 100 = 0 then 'inquiry' else 'won' end, i from number where i < 10000;
insert into publication (version_id, submitted_ms, wait_ms, due_ms, settled_ms) select 'v' || i, i, 0, i, case when i % 1000 = 1 then null else i end from number where i < 30000;
-- What the triggers wrote where there are some, and the same where there are none while this runs.
delete from listing_change;
insert into listing_change (listing_id) select 'g' || i from number where i < 60000;
insert into report (id, receipt, listing_id, version_id, person_id, reason, details, state, created_ms)
    select 'y' || i, 'receipt' || i, 'g' || i, 'v' || i, 'p' || (i % 20000), 'other', 'details', case when i % 100 = 1 then 'open' else 'dismissed' end, i from number where i < 20000;
drop table number;
