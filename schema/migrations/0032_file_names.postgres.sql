insert into run_file (run_id, blob)
    select distinct run.id, made.value ->> 'blob' from run cross join lateral json_array_elements(cast(run.results as json)) made
    where run.results is not null and made.value ->> 'blob' is not null;
