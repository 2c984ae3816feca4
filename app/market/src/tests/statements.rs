//! Every statement of every store is one that both databases understand.

use base::db::{Inner, Tx};
use base::testing::databases;

async fn prepare(tx: &mut Tx, sql: &'static str) -> Result<(), sqlx::Error> {
    use sqlx::{Executor as _, SqlSafeStr as _};
    match &mut tx.inner {
        Inner::Sqlite(tx) => (&mut **tx).prepare(sql.into_sql_str()).await.map(drop),
        Inner::Postgres(tx) => (&mut **tx).prepare(sql.into_sql_str()).await.map(drop),
    }
}

/// Every store and its statements.
pub(super) const STORES: &[(&str, &[(&str, &str)])] = &[
    ("people", crate::people::STATEMENTS),
    ("books", money::books::STATEMENTS),
    ("exports", crate::export::STATEMENTS),
    ("browse", crate::browse::STATEMENTS),
    ("starting", crate::starting::STATEMENTS),
    ("catalog", crate::catalog::STATEMENTS),
    ("versions", crate::catalog::versions::STATEMENTS),
    ("checkout", crate::checkout::STATEMENTS),
    ("offers", crate::offers::STATEMENTS),
    ("orders", crate::orders::STATEMENTS),
    ("sales", crate::sales::STATEMENTS),
    ("provider", money::provider::STATEMENTS),
    ("sandbox", money::provider::sandbox::STATEMENTS),
    ("jobs", base::jobs::STATEMENTS),
    ("machines", crate::machines::STATEMENTS),
    ("files", crate::files::STATEMENTS),
    ("library", crate::library::STATEMENTS),
    ("own", crate::own::STATEMENTS),
    ("trials", crate::trials::STATEMENTS),
    ("setting", base::db::SETTING_STATEMENTS),
    ("statistics", base::db::STATISTICS_STATEMENTS),
    ("limits", base::limits::STATEMENTS),
    ("moderation", crate::moderation::STATEMENTS),
    ("payouts", crate::payouts::STATEMENTS),
    ("demo", crate::demo::STATEMENTS),
    ("studio", crate::studio::STATEMENTS),
    ("vault", base::vault::STATEMENTS),
    ("keys", crate::log::keys::STATEMENTS),
    ("log", crate::log::STATEMENTS),
    ("once", base::once::STATEMENTS),
];

#[tokio::test]
async fn every_statement_prepares_on_both_databases() {
    for test in databases().await {
        let mut tx = test.db.read().await.expect("a transaction");
        for (store, statements) in STORES {
            for (name, sql) in *statements {
                let other = match test.name {
                    "sqlite" => "_POSTGRES",
                    _ => "_SQLITE",
                };
                if name.ends_with(other) {
                    continue;
                }
                prepare(&mut tx, sql)
                    .await
                    .unwrap_or_else(|error| panic!("{} {store} {name}: {error}", test.name));
            }
        }
    }
}
