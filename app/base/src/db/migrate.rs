//! Migrations: the texts of `schema`, shared part first, run by sqlx's migrator.

use super::{Connections, Db, Result};
use schema::migrations::STEPS;
use sqlx::AssertSqlSafe;
use sqlx::SqlSafeStr as _;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::SqlitePool;
use std::fs::File;

impl Db {
    /// Brings the database up to this release's schema.
    ///
    /// # Errors
    /// When a step fails or an applied step's text was changed.
    pub async fn migrate(&self) -> Result<()> {
        let postgres = self.is_postgres();
        let step = |step: &schema::migrations::Step| {
            let own = if postgres { step.postgres } else { step.sqlite };
            // Our own constant texts, joined: nothing here comes from outside.
            let text = AssertSqlSafe(format!("{}\n{own}", step.shared)).into_sql_str();
            Migration::new(
                step.version,
                step.name.into(),
                MigrationType::Simple,
                text,
                false,
            )
        };
        let migrator = Migrator::with_migrations(STEPS.iter().map(step).collect());
        match &self.connections {
            Connections::Sqlite { write, .. } => {
                // sqlx takes turns on PostgreSQL alone; here two would make one table twice.
                let _turn = take_turn(write).await?;
                migrator.run(write).await
            }
            Connections::Postgres(pools) => migrator.run(&pools.background).await,
        }
        .map_err(|error| sqlx::Error::Migrate(Box::new(error)))?;
        Ok(())
    }
}

/// Waits until no other process brings this file's database up to date.
async fn take_turn(pool: &SqlitePool) -> Result<File> {
    let mut name = pool.connect_options().get_filename().as_os_str().to_owned();
    name.push(".migrating");
    let wait = tokio::task::spawn_blocking(move || {
        let options = File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .clone();
        let file = options.open(&name)?;
        file.lock()?;
        Ok::<_, std::io::Error>(file)
    });
    let file = wait
        .await
        .map_err(std::io::Error::other)
        .and_then(|file| file);
    Ok(file.map_err(sqlx::Error::Io)?)
}
