-- Listings that the search index has to read again, in the order in which they changed. Triggers write it, so that nothing that changes a
-- listing can forget to; the index reads from where it was.
create table listing_change (
    seq integer primary key autoincrement,
    listing_id text not null
);
create trigger listing_change_new after insert on listing when new.state = 'live'
begin
    insert into listing_change (listing_id) values (new.id);
end;
create trigger listing_change_update after update on listing
    when (new.state = 'live' or old.state = 'live')
        and (old.state <> new.state or old.version_id is not new.version_id or old.title <> new.title or old.description <> new.description
            or old.category <> new.category or old.language <> new.language or old.price_minor <> new.price_minor or old.licence <> new.licence
            or old.tags <> new.tags or old.sales <> new.sales or old.reproduced <> new.reproduced or old.differed <> new.differed
            or old.trend <> new.trend)
begin
    insert into listing_change (listing_id) values (new.id);
end;
