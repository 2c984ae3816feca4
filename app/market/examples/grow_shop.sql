-- A shop of any size out of a small real one: every listing on sale is copied again and again, with its version, pictures, leaves and
-- proof, under another title and another creator. One text for both databases. {listings}, {creators}, {orders} and {words} are numbers.
-- What only a large shop has comes with it: one buyer with a thousand lines, one creator with ten thousand sales.
create table number (i bigint primary key);
insert into number (i) with recursive n (i) as (select 0 union all select i + 1 from n where i < {most} - 1) select i from n;

-- What is sold already, one after another.
create table pattern (place bigint primary key, listing_id text, version_id text, leaf_hash text, listing_leaf_hash text);
insert into pattern (place, listing_id, version_id, leaf_hash, listing_leaf_hash)
    select row_number() over (order by listing.id) - 1, listing.id, version.id, version.leaf_hash, version.listing_leaf_hash
    from listing join version on version.id = listing.version_id where listing.state = 'live' and version.state = 'live';

insert into person (id, email, email_folded, address_folded, handle, password_hash, role, created_ms, proven_ms)
    select '00000000-0000-7000-8001-' || substr(cast(1000000000000 + i as text), 2), 'maker' || i || '@grown.example', 'maker' || i || '@grown.example',
        'maker' || i || '@grown.example', 'maker-' || i, 'x', 'member', 1, 1
    from number where i < 5000;
insert into person (id, email, email_folded, address_folded, handle, password_hash, role, created_ms, proven_ms)
    select '00000000-0000-7000-8002-' || substr(cast(1000000000000 + i as text), 2), 'buyer' || i || '@grown.example', 'buyer' || i || '@grown.example',
        'buyer' || i || '@grown.example', 'buyer-' || i, 'x', 'member', 1, 1
    from number where i < 30000;

-- Numbers that look like chance and are the same every time, below 65,536 each. The first of a list are drawn far more often.
create table drawn (i bigint primary key, a bigint, b bigint, c bigint, d bigint, e bigint, f bigint, language bigint, pattern bigint, creator text);
insert into drawn (i, a, b, c, d, e, f, language, pattern, creator)
    select i, i * 2654435761 % 4294967291 / 65537, i * 40503889 % 4294967279 / 65537, i * 2246822519 % 4294967231 / 65537,
        i * 3266489917 % 4294967197 / 65537, i * 668265263 % 4294967189 / 65537, i * 374761393 % 4294967161 / 65537,
        i * 1597334677 % 4294967143 / 65537 % 4, i % (select count(*) from pattern),
        case when i % 100 = 3 then (select id from person where handle = 'mira-makes')
            else '00000000-0000-7000-8001-' || substr(cast(1000000000000 + i % {creators} as text), 2) end
    from number where i < {listings};

create table grown (i bigint primary key, id text, version_id text, leaf_hash text, listing_leaf_hash text, statement_hash text, pattern bigint,
    creator text, language text, title text, description text, tags text, price_minor bigint, published_ms bigint);
insert into grown (i, id, version_id, leaf_hash, listing_leaf_hash, statement_hash, pattern, creator, language, title, description, tags, price_minor,
        published_ms)
    select drawn.i, '00000000-0000-7000-8003-' || substr(cast(1000000000000 + drawn.i as text), 2),
        '00000000-0000-7000-8004-' || substr(cast(1000000000000 + drawn.i as text), 2),
        '1' || substr('000000000000000000000000000000000000000000000000000000', 1, 50) || cast(1000000000000 + drawn.i as text),
        '2' || substr('000000000000000000000000000000000000000000000000000000', 1, 50) || cast(1000000000000 + drawn.i as text),
        '3' || substr('000000000000000000000000000000000000000000000000000000', 1, 50) || cast(1000000000000 + drawn.i as text),
        drawn.pattern, drawn.creator, one.language, one.name || ' ' || two.name || ' ' || (drawn.i % 1000),
        two.name || ' ' || three.name || ' ' || four.name || ' ' || five.name || ' ' || six.name || ' ' || one.name
            || case when drawn.f % 100 < 46 then ' glossy' else '' end || case when drawn.i % ({listings} / 5) = 7 then ' quokka' else '' end,
        one.tag || ', ' || two.tag,
        case when drawn.e % 3 = 0 then 0 else 250 + drawn.e % 60 * 10 end, 1780000000000 + drawn.i * (15000000000 / {listings})
    from drawn
    join word one on one.place = drawn.a * drawn.b / 65536 * {words} / 65536 and one.kind = drawn.language
    join word two on two.place = drawn.c * drawn.d / 65536 * {words} / 65536 and two.kind = drawn.language
    join word three on three.place = drawn.b * {words} / 65536 and three.kind = drawn.language
    join word four on four.place = drawn.d * {words} / 65536 and four.kind = drawn.language
    join word five on five.place = drawn.e * {words} / 65536 and five.kind = drawn.language
    join word six on six.place = drawn.f * {words} / 65536 and six.kind = drawn.language;

-- Of a log elsewhere: this one's own goes on from where it is.
insert into log_leaf (leaf_hash, origin, kind, digest, key_hash, leaf, queued_ms, log_index)
    select grown.leaf_hash, 'grown.example/log', log_leaf.kind, '1d' || grown.i, log_leaf.key_hash, log_leaf.leaf, grown.published_ms, grown.i * 3
    from grown join pattern on pattern.place = grown.pattern join log_leaf on log_leaf.leaf_hash = pattern.leaf_hash;
insert into log_leaf (leaf_hash, origin, kind, digest, key_hash, leaf, queued_ms, log_index)
    select grown.listing_leaf_hash, 'grown.example/log', log_leaf.kind, '2d' || grown.i, log_leaf.key_hash, log_leaf.leaf, grown.published_ms, grown.i * 3 + 1
    from grown join pattern on pattern.place = grown.pattern join log_leaf on log_leaf.leaf_hash = pattern.listing_leaf_hash;
insert into log_leaf (leaf_hash, origin, kind, digest, key_hash, leaf, queued_ms, log_index)
    select grown.statement_hash, 'grown.example/log', log_leaf.kind, '3d' || grown.i, log_leaf.key_hash, log_leaf.leaf, grown.published_ms, grown.i * 3 + 2
    from grown join pattern on pattern.place = grown.pattern join version on version.id = pattern.version_id
    join log_leaf on log_leaf.leaf_hash = version.certification_leaf_hash;
insert into statement (leaf_hash, about_leaf_hash, predicate, envelope, public_key, outcome, environment, created_ms, attester)
    select grown.statement_hash, grown.leaf_hash, statement.predicate, statement.envelope, statement.public_key, statement.outcome, statement.environment,
        grown.published_ms, statement.attester
    from grown join pattern on pattern.place = grown.pattern join version on version.id = pattern.version_id
    join statement on statement.leaf_hash = version.certification_leaf_hash;
insert into listing (id, slug, person_id, title, description, category, language, price_minor, licence, state, created_ms, published_ms, sales, tags,
        reproduced, differed, trend, trial)
    select grown.id, 'grown-' || grown.i, grown.creator, grown.title, grown.description, listing.category, grown.language, grown.price_minor, listing.licence,
        'certifying', grown.published_ms, grown.published_ms, grown.i * 7919 % 500, grown.tags, grown.i * 104729 % 40, 0, grown.i * 15485863 % 1000000,
        listing.trial
    from grown join pattern on pattern.place = grown.pattern join listing on listing.id = pattern.listing_id;
insert into version (id, listing_id, state, secret_id, model, profile, scheduler, steps, width, height, variables, creator_key, leaf_hash,
        listing_leaf_hash, certification_leaf_hash, listing_statement, created_ms)
    select grown.version_id, grown.id, 'live', version.secret_id, version.model, version.profile, version.scheduler, version.steps, version.width,
        version.height, version.variables, version.creator_key, grown.leaf_hash, grown.listing_leaf_hash, grown.statement_hash, version.listing_statement,
        grown.published_ms
    from grown join pattern on pattern.place = grown.pattern join version on version.id = pattern.version_id;
insert into anchor (version_id, idx, blob, labelled_blob, pixel_blake3, pixel_sha256, width, height)
    select grown.version_id, anchor.idx, anchor.blob, anchor.labelled_blob, anchor.pixel_blake3, anchor.pixel_sha256, anchor.width, anchor.height
    from grown join pattern on pattern.place = grown.pattern join anchor on anchor.version_id = pattern.version_id;
insert into likeness (version_id, person_id, text_prints, picture_prints)
    select grown.version_id, grown.creator, likeness.text_prints, likeness.picture_prints
    from grown join pattern on pattern.place = grown.pattern join likeness on likeness.version_id = pattern.version_id;
update listing set state = 'live', version_id = '00000000-0000-7000-8004-' || substr(id, 25) where substr(id, 1, 24) = '00000000-0000-7000-8003-';

-- Orders: the first thousand are one buyer's, the next ten thousand one creator's, the others anybody's.
create table sold (i bigint primary key, id text, line_id text, grown bigint, buyer text);
insert into sold (i, id, line_id, grown, buyer)
    select i, '00000000-0000-7000-8005-' || substr(cast(1000000000000 + i as text), 2), '00000000-0000-7000-8006-' || substr(cast(1000000000000 + i as text), 2),
        case when i < 1000 then i % {listings} when i < 11000 then i % ({listings} / 100) * 100 + 3 else (i * 37 + i / 20000) % {listings} end,
        case when i < 1000 then (select id from person where handle = 'ada-collects')
            when i < 11000 then '00000000-0000-7000-8002-' || substr(cast(1000000000000 + 20000 + i % 10000 as text), 2)
            else '00000000-0000-7000-8002-' || substr(cast(1000000000000 + i % 20000 as text), 2) end
    from number where i < {orders};
insert into purchase (id, person_id, state, total_minor, currency, created_ms, paid_ms, invoice_number)
    select sold.id, sold.buyer, 'paid', grown.price_minor, 'USD', 1780000000000 + sold.i * 70000, 1780000000000 + sold.i * 70000, 1000000 + sold.i
    from sold join grown on grown.i = sold.grown;
insert into purchase_line (id, purchase_id, listing_id, version_id, buyer_id, payee_id, price_minor, share_bp, share_minor, payee_minor, licence, state,
        earning, created_ms, paid_ms, refunded_minor, list_minor)
    select sold.line_id, sold.id, grown.id, grown.version_id, sold.buyer, grown.creator, grown.price_minor, 1500, grown.price_minor * 15 / 100,
        grown.price_minor - grown.price_minor * 15 / 100, listing.licence, 'owned',
        case when grown.price_minor = 0 then 'none' else 'transferred' end, 1780000000000 + sold.i * 70000, 1780000000000 + sold.i * 70000, 0, grown.price_minor
    from sold join grown on grown.i = sold.grown join listing on listing.id = grown.id;

-- `cross join` keeps SQLite to the order. The books of those: a sale, the end of its hold, and the way to the creator's account.
create table kind (place bigint primary key, name text, debit text, credit text);
insert into kind (place, name, debit, credit) values (1, 'sale', 'processor:pending', 'seller:held');
insert into kind (place, name, debit, credit) values (2, 'release', 'seller:held', 'seller:available');
insert into kind (place, name, debit, credit) values (3, 'transfer ok', 'seller:available', 'connected:balance');
insert into account (id, kind, owner, currency, normal)
    select '8' || kind.place || person.id, kind.credit, person.id, 'USD', -1 from person cross join kind
    where person.handle = 'mira-makes' or substr(person.id, 1, 24) = '00000000-0000-7000-8001-'
    on conflict (kind, owner, currency) do nothing;
insert into journal (id, idem_key, fingerprint, kind, source, occurred_ms, recorded_ms)
    select '00000000-0000-7000-901' || kind.place || substr(sold.line_id, 24), kind.name || ':grown' || sold.i, 'grown', kind.name, 'grown' || sold.i,
        1780000000000 + sold.i * 70000, 1780000000000 + sold.i * 70000
    from sold join grown on grown.i = sold.grown cross join kind where grown.price_minor > 0;
insert into posting (journal_id, idx, account_id, currency, amount, order_line)
    select '00000000-0000-7000-901' || kind.place || substr(sold.line_id, 24), 0, account.id, 'USD', grown.price_minor - grown.price_minor * 15 / 100, sold.line_id
    from sold cross join grown cross join kind cross join account
    where grown.i = sold.grown and grown.price_minor > 0 and account.kind = kind.debit and account.currency = 'USD'
        and account.owner = case when kind.place = 1 then (select owner from account where kind = 'processor:pending') else grown.creator end;
insert into posting (journal_id, idx, account_id, currency, amount, order_line)
    select '00000000-0000-7000-901' || kind.place || substr(sold.line_id, 24), 1, account.id, 'USD', grown.price_minor * 15 / 100 - grown.price_minor, sold.line_id
    from sold cross join grown cross join kind cross join account
    where grown.i = sold.grown and grown.price_minor > 0 and account.kind = kind.credit and account.currency = 'USD' and account.owner = grown.creator;
insert into seal (journal_id) select id from journal where fingerprint = 'grown';
update account set posted = (select coalesce(sum(posting.amount), 0) from posting where posting.account_id = account.id);

drop table number; drop table pattern; drop table drawn; drop table grown; drop table sold; drop table kind; drop table word;
delete from listing_change;
