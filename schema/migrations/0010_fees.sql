-- The fixed part of our fee, kept with the line beside the rate: a change of the schedule never rewrites what was sold before.
alter table purchase_line add column share_fixed_minor bigint not null default 0;
