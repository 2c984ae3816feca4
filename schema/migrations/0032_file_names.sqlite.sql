insert into run_file (run_id, blob)
    select distinct run.id, json_extract(made.value, '$.blob') from run, json_each(run.results) made
    where run.results is not null and json_extract(made.value, '$.blob') is not null;
