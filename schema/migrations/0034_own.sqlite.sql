-- Whether it may be tried is something that the search index reads, too.
drop trigger listing_change_update;
create trigger listing_change_update after update on listing
    when (new.state = 'live' or old.state = 'live')
        and (old.state <> new.state or old.version_id is not new.version_id or old.title <> new.title or old.description <> new.description
            or old.category <> new.category or old.language <> new.language or old.price_minor <> new.price_minor or old.licence <> new.licence
            or old.tags <> new.tags or old.sales <> new.sales or old.reproduced <> new.reproduced or old.differed <> new.differed
            or old.trend <> new.trend or old.trial <> new.trial)
begin
    insert into listing_change (listing_id) values (new.id);
end;
