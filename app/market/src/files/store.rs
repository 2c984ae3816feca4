//! SQL about the rows that name a file, of whatever room.

use base::db::{self, Tx, fetch, statements};

statements! {
    COUNT_NAMES = "select count(*) from (
            select 1 from picture where blob = $1
            union all select 1 from anchor where blob = $1
            union all select 1 from anchor where labelled_blob = $1
            union all select 1 from run_file where blob = $1
            union all select 1 from own_picture where blob = $1
            union all select 1 from trial where blob = $1
            union all select 1 from starting_file where blob = $1
        ) named";
}

pub(super) async fn is_named(tx: &mut Tx, blob: &str) -> db::Result<bool> {
    fetch!(tx, fetch_one, (i64,), COUNT_NAMES, blob).map(|row| row.0 > 0)
}
