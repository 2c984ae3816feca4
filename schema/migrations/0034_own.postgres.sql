-- As on SQLite.
drop trigger listing_change_update on listing;
create trigger listing_change_update after update on listing for each row
    when ((new.state = 'live' or old.state = 'live')
        and (old.state <> new.state or old.version_id is distinct from new.version_id or old.title <> new.title
            or old.description <> new.description or old.category <> new.category or old.language <> new.language
            or old.price_minor <> new.price_minor or old.licence <> new.licence or old.tags <> new.tags or old.sales <> new.sales
            or old.reproduced <> new.reproduced or old.differed <> new.differed or old.trend <> new.trend or old.trial <> new.trial))
    execute function note_listing_change();
