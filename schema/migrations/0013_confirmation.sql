-- When a session last gave the password: what moves money or cannot be undone asks that it was lately.

alter table session add column confirmed_ms bigint;
