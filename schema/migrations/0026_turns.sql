-- Fair turns for whoever has pictures made.

-- Which workers take a job: those for quick work, or those that make pictures.
alter table job add column queue text not null default 'quick';
-- What people wait for most comes first: lower classes before higher ones.
alter table job add column class bigint not null default 0;
-- Within a class, whose turn it is: grows with what its person had made already, so that a long list does not keep others waiting.
alter table job add column turn bigint not null default 0;
-- Sampling steps, by which turns are counted and waiting times are estimated.
alter table job add column cost bigint not null default 0;
-- Whose turn it is counted for; null for work that nobody asked for.
alter table job add column share text;

update job set queue = 'pictures', class = case when kind = 'studio-generate' then 1 else 0 end
    where kind in ('studio-generate', 'studio-certify', 'library-reproduce');

-- The claim takes the first of its queue; the older index by time alone serves nobody any more.
create index job_queue_idx on job (queue, class, turn, run_at_ms, id) where finished_ms is null;
drop index job_due_idx;
-- A person's own jobs, the last turn first.
create index job_share_idx on job (share, class, turn) where finished_ms is null;
