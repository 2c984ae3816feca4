-- The language in which somebody signed up or bought: mail is written in it.

alter table person add column language text not null default 'en';
