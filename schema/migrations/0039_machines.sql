-- Machines that make pictures, the models that they hold, and how long a picture takes there.

-- The model that a job's pictures are made with; empty for work that every machine can do.
alter table job add column model text not null default '';
-- When whoever makes it expects to be done, real time; written with every step.
alter table job add column eta_ms bigint;
-- The claim takes the first of each model that a machine holds: what waits for an absent model stands in nobody's way.
create index job_model_idx on job (queue, model, class, turn, run_at_ms, id) where finished_ms is null;

-- Turns were counted in sampling steps, and are counted in milliseconds now. One step of the model that every shop has takes some 50.
update job set cost = cost * 50, turn = turn * 50 where finished_ms is null and queue = 'pictures';
delete from setting where name = 'picture_step_us';

-- Processes that make pictures, and the models of each.
create table worker (
    id text primary key,
    -- So many pictures at once.
    engines bigint not null,
    started_ms bigint not null,
    -- When it last said that it is there, real time.
    seen_ms bigint not null
);
create table worker_model (
    model text not null,
    worker_id text not null references worker (id),
    primary key (model, worker_id)
);
create index worker_model_worker_id_idx on worker_model (worker_id);

-- Every model that a machine held or a sealed recipe names: its name outlives its files.
create table model (
    digest text primary key,
    -- For people; empty where no machine ever said it.
    name text not null,
    -- When a machine last held it, real time; 0 where none did.
    held_ms bigint not null
);
insert into model (digest, name, held_ms) select distinct model, '', 0 from version;
-- What is sold of a model.
create index version_model_idx on version (model, id) where state = 'live';

-- What a picture takes: each of its steps, and everything before the first and behind the last.
create table pace (
    model text not null,
    width bigint not null,
    height bigint not null,
    step_us bigint not null,
    rest_us bigint not null,
    primary key (model, width, height)
);

-- Why a try was not made: a text's name; null where it is not known.
alter table trial add column error text;
