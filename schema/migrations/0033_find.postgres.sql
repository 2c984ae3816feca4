-- As on SQLite: what the search index has to read again. Numbers are drawn before their commit: a later one may be seen first, so the index
-- looks back a stretch each time.
create table listing_change (
    seq bigint generated always as identity primary key,
    listing_id text not null
);
create function note_listing_change() returns trigger language plpgsql as $$
begin
    insert into listing_change (listing_id) values (new.id);
    return null;
end $$;
create trigger listing_change_new after insert on listing for each row when (new.state = 'live') execute function note_listing_change();
create trigger listing_change_update after update on listing for each row
    when ((new.state = 'live' or old.state = 'live')
        and (old.state <> new.state or old.version_id is distinct from new.version_id or old.title <> new.title
            or old.description <> new.description or old.category <> new.category or old.language <> new.language
            or old.price_minor <> new.price_minor or old.licence <> new.licence or old.tags <> new.tags or old.sales <> new.sales
            or old.reproduced <> new.reproduced or old.differed <> new.differed or old.trend <> new.trend))
    execute function note_listing_change();
