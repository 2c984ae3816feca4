-- Who names a file: what nobody names is swept.
create index picture_blob_idx on picture (blob);
create index anchor_blob_idx on anchor (blob);
-- The pictures that a re-run made.
create table run_file (
    run_id text not null references run (id),
    blob text not null,
    primary key (run_id, blob)
);
create index run_file_blob_idx on run_file (blob);
