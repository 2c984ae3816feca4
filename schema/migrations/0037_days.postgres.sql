create function books_day() returns trigger language plpgsql as $$
begin
    insert into account_day (account_id, day, amount)
    select new.account_id, journal.occurred_ms / 86400000, new.amount from journal where journal.id = new.journal_id
    on conflict (account_id, day) do update set amount = account_day.amount + excluded.amount;
    return null;
end $$;
create trigger posting_day after insert on posting for each row execute function books_day();
