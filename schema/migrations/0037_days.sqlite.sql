create trigger posting_day after insert on posting
begin
    insert into account_day (account_id, day, amount)
    select new.account_id, journal.occurred_ms / 86400000, new.amount from journal where journal.id = new.journal_id
    on conflict (account_id, day) do update set amount = account_day.amount + excluded.amount;
end;
