-- The fixed part of our fee, kept with the line beside the rate: a change of the schedule never rewrites what was sold before.
alter table purchase_line add column share_fixed_minor bigint not null default 0;

-- Which decision of the sweep a transfer carries out, so that a payout's statement lists its lines.
alter table outbound_op add column decision_id text;
create index outbound_op_decision_id_idx on outbound_op (decision_id) where decision_id is not null;
