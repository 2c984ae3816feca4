-- Comparisons in the studio: one prompt or several, by several models; each picture is that of a draft of its own.

create table comparison (
    id text not null primary key,
    person_id text not null references person (id),
    title text not null,
    models bigint not null,
    created_ms bigint not null
);
create index comparison_of_person_idx on comparison (person_id, created_ms desc, id desc);

-- In rows of as many as there are models. A draft or a picture that was given up leaves its place empty.
create table comparison_cell (
    comparison_id text not null references comparison (id),
    idx bigint not null,
    draft_id text not null,
    picture_id text not null,
    primary key (comparison_id, idx)
);
create index comparison_cell_of_draft_idx on comparison_cell (draft_id);
