-- A form that moves money, stock, coupons or keys is claimed before it acts: an empty location is one that is at work, or was cut off.

-- Digest of the other fields: the same key with another content is another form, and refused.
alter table form_answer add column content text not null default '';
create index form_answer_created_ms_idx on form_answer (created_ms);
