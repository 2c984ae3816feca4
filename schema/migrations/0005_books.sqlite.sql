create trigger seal_zero_sum before insert on seal
begin
    select raise(abort, 'seal_zero_sum: the entry has no postings')
    where not exists (select 1 from posting where journal_id = new.journal_id);
    select raise(abort, 'seal_zero_sum: the postings do not add up to zero')
    where exists (select 1 from posting where journal_id = new.journal_id group by currency having sum(amount) <> 0);
end;
create trigger posting_sealed before insert on posting
when exists (select 1 from seal where journal_id = new.journal_id)
begin
    select raise(abort, 'posting_sealed: the entry is sealed');
end;
create trigger journal_no_update before update on journal begin select raise(abort, 'journal_append_only'); end;
create trigger journal_no_delete before delete on journal begin select raise(abort, 'journal_append_only'); end;
create trigger posting_no_update before update on posting begin select raise(abort, 'posting_append_only'); end;
create trigger posting_no_delete before delete on posting begin select raise(abort, 'posting_append_only'); end;
create trigger seal_no_update before update on seal begin select raise(abort, 'seal_append_only'); end;
create trigger seal_no_delete before delete on seal begin select raise(abort, 'seal_append_only'); end;
