-- What is done is kept for a week and then swept, the oldest first.
create index job_done_idx on job (finished_ms) where state = 'done';
