create function books_append_only() returns trigger language plpgsql as $$
begin
    raise exception '%_append_only', tg_table_name;
end $$;
create function books_zero_sum() returns trigger language plpgsql as $$
begin
    if not exists (select 1 from posting where journal_id = new.journal_id) then
        raise exception 'seal_zero_sum: the entry has no postings';
    end if;
    if exists (select 1 from posting where journal_id = new.journal_id group by currency having sum(amount) <> 0) then
        raise exception 'seal_zero_sum: the postings do not add up to zero';
    end if;
    return new;
end $$;
create function books_sealed() returns trigger language plpgsql as $$
begin
    if exists (select 1 from seal where journal_id = new.journal_id) then
        raise exception 'posting_sealed: the entry is sealed';
    end if;
    return new;
end $$;
create trigger seal_zero_sum before insert on seal for each row execute function books_zero_sum();
create trigger posting_sealed before insert on posting for each row execute function books_sealed();
create trigger journal_append_only before update or delete on journal for each row execute function books_append_only();
create trigger posting_append_only before update or delete on posting for each row execute function books_append_only();
create trigger seal_append_only before update or delete on seal for each row execute function books_append_only();
