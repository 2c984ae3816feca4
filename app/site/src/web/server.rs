//! Putting a process together: state, sequencer, workers, listener; and taking it apart on Ctrl-C.

use crate::config::{Config, DEMO_ORIGIN, installation_key};
use crate::ui::assets::Assets;
use crate::web::listener::{self, Bounds};
use crate::web::state::AppState;
use crate::web::{router, work};
use anyhow::{Context as _, Result, bail};
use base::clock::Clock;
use base::db::work::{Class, Work};
use base::db::writes::Writes;
use base::db::{Db, read_setting, write_setting};
use base::mail::Mailer;
use base::media::Media;
use base::vault::Vault;
use ledger::note::Verifier;
use market::browse::follow;
use market::demo;
use market::engines::{Engines, Limits};
use market::finder::Finder;
use market::log::intake::Storing;
use market::log::service::PublicLog;
use market::models::Models;
use market::pictures::Pictures;
use market::settlement::clockwork;
use market::shop::Shop;
use money::provider::Provider;
use money::provider::sandbox::Sandbox;
use money::provider::stripe::{Settings, Stripe};
use schema::key::SecretKey;
use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

/// A running process's parts.
pub struct Process {
    state: AppState,
    log_key: [u8; 32],
    storing: Storing,
}

impl Process {
    /// Opens everything. `with_pages` needs the built browser files.
    ///
    /// # Errors
    /// Names what is missing or damaged.
    pub async fn open(config: Config, with_pages: bool) -> Result<Self> {
        let data = config.data.clone();
        crate::config::private_folder(&data)
            .with_context(|| format!("cannot make {}", data.display()))?;
        let mut models = Models::load(config.models.as_deref())?;
        if let Some(digests) = &config.sale_models {
            models = models.sell_only(digests).context("SEEDMARK_SALE_MODELS")?;
        }
        let limits = Limits {
            count: config.engines,
            memory_bytes: config.engine_memory_bytes,
        };
        let engines = Engines::load(&config.runtime, models, limits)?;
        let engines = engines
            .with_provider(config.provider)
            .context("SEEDMARK_EP")?;
        let db = Db::open(config.database_url.as_deref(), &data)
            .await
            .context("cannot open the database")?;
        db.migrate().await.context("cannot migrate the database")?;
        let (origin, is_demo) = settle_origin(&db, &config).await?;
        refuse_real_money(is_demo, config.stripe.as_ref())?;
        let log_key = known_key(&db, &data, "SEEDMARK_LOG_KEY", "log").await?;
        let platform = known_key(&db, &data, "SEEDMARK_PLATFORM_KEY", "platform").await?;
        let platform = SecretKey::from_bytes(platform);
        let vault_key = known_key(&db, &data, "SEEDMARK_VAULT_KEY", "vault").await?;
        let verifier = Verifier::new(&origin, SecretKey::from_bytes(log_key).public())?;
        let assets = if with_pages {
            Assets::load(&config.site)?
        } else {
            Assets::none()
        };
        let (intake, storing) = market::log::intake::intake(&origin);
        let shop = Shop {
            intake,
            vault: Vault::new(&vault_key),
            mailer: Mailer::new(config.smtp.as_ref(), &data)?,
            media: Media::folder(&data.join("media"))?,
            log: PublicLog::new(
                origin,
                verifier,
                data.join("log"),
                platform,
                config.witness_policy.clone(),
            )?,
            clock: known_clock(&db).await?,
            provider: provider(config.stripe.as_ref(), &db).await?,
            workers: config.engines,
            fee: config.fee,
            minimum_order_minor: config.minimum_order_minor,
            minimum_payout_minor: config.minimum_payout_minor,
            waits: config.waits,
            public_url: config.public_url.clone(),
            demo: is_demo,
            finder: Finder::new(with_pages.then(|| data.join("search"))),
            turn: Arc::default(),
            here: engines.here(),
            engines,
            db,
        };
        let state = AppState {
            shop,
            pictures: Pictures::default(),
            assets: Arc::new(assets),
            writes: Writes::default(),
            config: Arc::new(config),
        };
        Ok(Self {
            state,
            log_key,
            storing,
        })
    }

    /// Adopts a newer log after an older database was put back; returns the log's sizes before and after.
    ///
    /// # Errors
    /// Names what does not fit; nothing is changed then.
    pub async fn adopt_log(&self) -> Result<(u64, u64)> {
        let (db, origin) = (self.state.db.clone(), self.state.log.origin.clone());
        let folder = self.state.config.data.join("log");
        market::log::adopt(db, origin, self.log_key, folder).await
    }

    /// The state, for tests and commands.
    #[must_use]
    pub fn state(&self) -> &AppState {
        &self.state
    }

    /// Serves pages, sequences the log and works, until Ctrl-C.
    ///
    /// # Errors
    /// When the address is taken, or the log's state became unknown.
    pub async fn serve(self, address: SocketAddr) -> Result<()> {
        let (stop_sender, stop) = watch::channel(false);
        let state = self.state;
        let _only_here = lock_folder(&state.config.data, address)?;
        let (ready_sender, ready) = oneshot::channel();
        let mut sequencer = {
            let sequencer = market::log::Sequencer {
                db: state.db.clone(),
                origin: state.log.origin.clone(),
                secret: self.log_key,
                folder: state.config.data.join("log"),
                may_begin: crate::config::may_begin_log(&state.config.data),
                begun_note: crate::config::log_begun_note(&state.config.data),
                policy: state.log.witness_policy().cloned(),
                settled: state.intake.settled(),
                reporter: state.log.reporter(),
            };
            let stop = stop.clone();
            let work = Work::of(Class::Essential);
            tokio::task::spawn_blocking(move || {
                work.run_blocking(|| sequencer.run(ready_sender, stop))
            })
        };
        if ready.await.is_err() {
            // The sender is dropped when the log cannot be opened; its own error says why.
            return sequencer
                .await
                .context("the sequencer panicked")
                .and_then(|result| result);
        }
        if state.demo {
            demo::people::load(&state).await?;
        }
        let mut tasks = JoinSet::new();
        tasks.spawn(
            Work::of(Class::Essential).run(self.storing.run(state.db.clone(), stop.clone())),
        );
        tasks.spawn(
            Work::of(Class::Essential)
                .run(state.writes.clone().watch(state.db.clone(), stop.clone())),
        );
        work::start(&state, &stop, &mut tasks);
        work::start_ticker(&state, &stop, &mut tasks);
        tasks.spawn(Work::of(Class::Background).run(follow::follow(
            state.db.clone(),
            state.finder.clone(),
            stop.clone(),
        )));
        if state.demo {
            tasks.spawn(work::load_demo(state.clone()));
        }
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("cannot listen on {address}"))?;
        announce(&state, listener.local_addr()?);
        let (close_sender, close) = oneshot::channel::<()>();
        let pages = tokio::spawn(listener::serve(
            listener,
            router::app(state.clone()),
            Bounds::for_process(),
            state.config.trusted_proxies.clone(),
            async {
                // Dropped is told, too.
                let _told = close.await;
            },
        ));
        let result = tokio::select! {
            ended = &mut sequencer => ended.context("the sequencer panicked").and_then(|result| result).and_then(|()| bail!("the sequencer ended")),
            () = interrupted() => Ok(()),
        };
        if let Err(error) = &result {
            tracing::error!(error = format!("{error:#}"), "the process ends");
        }
        tracing::info!("stopping");
        // Whatever still computes then: an order to stop is obeyed.
        std::thread::spawn(|| {
            std::thread::sleep(Duration::from_secs(15));
            std::process::exit(1);
        });
        drop(close_sender);
        stop_sender.send_replace(true);
        state.db.bells().leaves.ring();
        state.db.bells().jobs.ring();
        let _cut = pages.await;
        // Jobs that do not end in time keep their lease and are taken up again at the next start.
        let _cut = tokio::time::timeout(Duration::from_secs(5), async {
            while tasks.join_next().await.is_some() {}
        })
        .await;
        tasks.abort_all();
        if !sequencer.is_finished() {
            let _cut = tokio::time::timeout(Duration::from_secs(5), sequencer).await;
        }
        state.db.close().await;
        result
    }

    /// Works without pages: another process of the same installation serves and sequences.
    ///
    /// # Errors
    /// Never once it runs.
    pub async fn work(self) -> Result<()> {
        let (stop_sender, stop) = watch::channel(false);
        let mut tasks = JoinSet::new();
        work::start(&self.state, &stop, &mut tasks);
        work::start_clock(&self.state, &stop, &mut tasks);
        tracing::info!("working");
        interrupted().await;
        stop_sender.send_replace(true);
        self.state.db.bells().jobs.ring();
        let _cut = tokio::time::timeout(Duration::from_secs(5), async {
            while tasks.join_next().await.is_some() {}
        })
        .await;
        self.state.db.close().await;
        Ok(())
    }
}

/// What a key's check value is derived for; it tells nothing of the key.
const KEY_CHECK: &str = "seedmark.dev 2026-11 installation key check v1";

/// A key of this installation. The database knows each by a check value from the first start on, so that a lost key is named before
/// anything is written with another one in its place.
async fn known_key(db: &Db, data: &Path, variable: &str, file: &str) -> Result<[u8; 32]> {
    let setting = format!("key_check_{file}");
    let mut tx = db.read().await?;
    let known = read_setting(&mut tx, &setting).await?;
    drop(tx);
    let path = data.join("keys").join(file);
    let elsewhere = crate::config::is_set(variable);
    if known.is_some() && !elsewhere && !path.is_file() {
        bail!(
            "{} is missing, and this database holds what was made with it: put the file back from a backup, or set {variable}",
            path.display()
        );
    }
    let key = installation_key(data, variable, file)?;
    let check = hex::encode(blake3::derive_key(KEY_CHECK, &key));
    match known {
        Some(known) if known == check => {}
        Some(_) => bail!(
            "the {file} key ({} or {variable}) is not the one that this database was made with: put the right one back",
            path.display()
        ),
        None => {
            let mut tx = db.write().await?;
            write_setting(&mut tx, &setting, &check).await?;
            tx.commit().await?;
        }
    }
    Ok(key)
}

/// Everybody knows the passwords of a demo, its operator's too.
fn refuse_real_money(is_demo: bool, stripe: Option<&Settings>) -> Result<()> {
    if is_demo && stripe.is_some_and(Settings::is_live) {
        bail!(
            "this folder holds the demo shop, whose passwords everybody knows, and the Stripe key moves real money: \
             use another data folder with --no-demo"
        );
    }
    Ok(())
}

/// Holds the data folder for the life of this process: the log in it has one writer. Whatever ends the process lets go of it.
fn lock_folder(data: &Path, address: SocketAddr) -> Result<File> {
    use std::io::{Read as _, Write as _};
    let path = data.join("serving");
    let mut file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .with_context(|| format!("cannot open {}", path.display()))?;
    if file.try_lock().is_err() {
        let mut holder = String::new();
        let _unreadable = file.take(200).read_to_string(&mut holder);
        let holder = match holder.trim() {
            "" => String::new(),
            holder => format!(" by {holder}"),
        };
        bail!(
            "{} is served already{holder}: two servers on one folder would end each other",
            data.display()
        );
    }
    // For whoever is refused; a full disk is no reason not to serve.
    let _unnamed = file
        .set_len(0)
        .and_then(|()| writeln!(file, "process {} at {address}", std::process::id()));
    Ok(file)
}

/// The log's origin is chosen once, when a database is new, and kept for good: leaf signatures contain it.
/// The provider that is configured. The books of two are never mixed: a database with paid orders of another one is refused.
///
/// # Errors
/// Names what does not fit.
pub async fn provider(stripe: Option<&Settings>, db: &Db) -> Result<Arc<dyn Provider>> {
    let provider: Arc<dyn Provider> = match stripe {
        Some(settings) => Arc::new(Stripe::new(settings)?),
        None => Arc::new(Sandbox { db: db.clone() }),
    };
    let others =
        market::orders::count_other_provider(&mut db.read().await?, provider.name()).await?;
    if others > 0 {
        bail!(
            "this database holds {others} paid orders of another payment provider than {}: begin with a new data folder, or set its keys again",
            provider.name()
        );
    }
    Ok(provider)
}

async fn settle_origin(db: &Db, config: &Config) -> Result<(String, bool)> {
    let mut tx = db.write().await?;
    if let Some(origin) = read_setting(&mut tx, "origin").await? {
        if let Some(wanted) = &config.origin
            && *wanted != origin
        {
            bail!(
                "SEEDMARK_LOG_ORIGIN is {wanted:?}, but this data folder's log is {origin:?}; an origin never changes"
            );
        }
        let demo = origin == DEMO_ORIGIN;
        return Ok((origin, demo));
    }
    let origin = match (&config.origin, config.demo) {
        (Some(origin), false) => origin.clone(),
        (Some(_), true) => bail!(
            "SEEDMARK_LOG_ORIGIN is set: start with --no-demo, because demo leaves must not enter a real log"
        ),
        (None, true) => DEMO_ORIGIN.to_owned(),
        (None, false) => format!(
            "local-{}.seedmark.invalid/log",
            hex::encode(base::random::bytes::<6>())
        ),
    };
    write_setting(&mut tx, "origin", &origin).await?;
    let demo = origin == DEMO_ORIGIN;
    // The past of a demo is paid with the sandbox's cards.
    if demo && config.stripe.is_none() {
        demo::service::begin_past(&mut tx).await?;
    }
    tx.commit().await?;
    Ok((origin, demo))
}

/// The business clock where this database left it.
async fn known_clock(db: &Db) -> Result<Clock> {
    let mut tx = db.read().await?;
    let offset_ms = base::db::read_number(&mut tx, clockwork::CLOCK_SETTING).await?;
    Ok(Clock::at(offset_ms))
}

/// Says where the shop is. `cargo xtask serve` and the tests wait for the first line.
fn announce(state: &AppState, address: SocketAddr) {
    use std::io::Write as _;
    let mut out = std::io::stdout();
    let mut text = format!("listening on http://{address}\n");
    if state.demo {
        let (buyer, operator, password) = (
            demo::people::BUYER,
            demo::people::OPERATOR,
            demo::people::PASSWORD,
        );
        text.push_str(&format!(
            "demo log-ins: {buyer} and {operator}, password {password}\n"
        ));
    }
    // A closed standard output is no reason to stop serving.
    let _closed = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

async fn interrupted() {
    let control_c = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    {
        let mut terminate =
            match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
                Ok(signal) => signal,
                Err(_) => return control_c.await,
            };
        tokio::select! {
            () = control_c => {}
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    control_c.await;
}

#[cfg(test)]
mod tests {
    use super::{Settings, lock_folder, refuse_real_money};

    #[test]
    fn a_demo_takes_no_key_that_moves_real_money() {
        let settings = |key: &str| Settings {
            secret_key: key.into(),
            webhook_secrets: Vec::new(),
            connect_webhook_secrets: Vec::new(),
            automatic_tax: false,
            url: None,
        };
        for key in ["sk_live_x", "rk_live_x"] {
            assert!(
                refuse_real_money(true, Some(&settings(key))).is_err(),
                "{key}"
            );
            assert!(
                refuse_real_money(false, Some(&settings(key))).is_ok(),
                "{key}"
            );
        }
        assert!(refuse_real_money(true, Some(&settings("sk_test_x"))).is_ok());
        assert!(refuse_real_money(true, None).is_ok());
    }

    #[test]
    fn a_folder_has_one_server_and_its_lock_goes_with_the_process() {
        let folder = tempfile::tempdir().expect("a folder");
        let address = "127.0.0.1:4610".parse().expect("an address");
        let first = lock_folder(folder.path(), address).expect("held");
        let refused = lock_folder(folder.path(), address).expect_err("a second one");
        assert!(refused.to_string().contains("127.0.0.1:4610"), "{refused}");
        drop(first);
        lock_folder(folder.path(), address).expect("free again");
    }
}
