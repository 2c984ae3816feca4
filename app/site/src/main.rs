//! `seedmark-server`: serve pages, work on jobs, migrate, audit the books.

mod results;

use anyhow::{Context as _, Result};
use base::db::Db;
use clap::{Args, Parser, Subcommand};
use market::browse::follow;
use market::export::{self, Format, Range, Report};
use market::finder::Finder;
use market::people::service::{Made, make_operator};
use market::settlement::{PAUSES, reconcile_settled};
use site::config::{Config, Options};
use site::web::server::Process;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// What `crate::config` reads from the environment, for whoever runs a shop.
const VARIABLES: &str = "\
Environment:
  ORT_DYLIB_PATH                 the ONNX Runtime library; found beside the program or in the cache when left out
  SEEDMARK_MODELS                folder of added models; `models` in the data folder when left out
  SEEDMARK_SALE_MODELS           digests of the models whose recipes may be sold, with commas between them
  SEEDMARK_ENGINES               pictures made at once; as many as cores when left out
  SEEDMARK_ENGINE_MEMORY         what engines may keep in memory together: 8 (GB) or 600M
  SEEDMARK_EP                    execution provider of quick looks in the studio: cuda, coreml, directml, openvino, …
  SEEDMARK_LOG_ORIGIN            the public log's name, for a new data folder that is no demo
  SEEDMARK_LOG_KEY, SEEDMARK_PLATFORM_KEY, SEEDMARK_VAULT_KEY
                                 secrets; files in the data folder when left out
  SEEDMARK_LOG_BEGIN             yes: begin a new log though the old one's key is not here
  SEEDMARK_WITNESS_POLICY        file with the witnesses that must cosign the log
  SEEDMARK_TRUSTED_PROXIES       addresses and blocks of the proxies in front
  SEEDMARK_SMTP_URL, SEEDMARK_MAIL_FROM
                                 how mail leaves; into files when left out
  SEEDMARK_STRIPE_SECRET_KEY, SEEDMARK_STRIPE_WEBHOOK_SECRET, SEEDMARK_STRIPE_CONNECT_WEBHOOK_SECRET,
  SEEDMARK_STRIPE_AUTOMATIC_TAX  Stripe; test cards of a sandbox when left out
  SEEDMARK_CURRENCY, SEEDMARK_SHARE_BP, SEEDMARK_SHARE_FIXED_MINOR, SEEDMARK_MINIMUM_ORDER_MINOR,
  SEEDMARK_MINIMUM_PAYOUT_MINOR  money
  SEEDMARK_INVOICE_SELLER        name and address on invoices, lines divided by |
  SEEDMARK_REVIEW_WAIT_MINUTES   how long what newcomers publish waits: 120-1440
  SEEDMARK_LEAST_FREE_MIB        free disk below which nothing new is taken
  SEEDMARK_LOG, SEEDMARK_LOG_FORMAT
                                 levels of the program's own log; json for machines";

#[derive(Parser)]
#[command(version, about = "The Seedmark marketplace in one program")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve pages, write the public log and work on jobs
    #[command(after_help = VARIABLES)]
    Serve {
        #[command(flatten)]
        place: Place,
        /// Port; 0 takes a free one
        #[arg(long, default_value_t = 4610)]
        port: u16,
        /// Address to listen on
        #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
        host: IpAddr,
        /// Do not load the demo catalogue into an empty data folder
        #[arg(long)]
        no_demo: bool,
        /// Built browser files
        #[arg(long, default_value = "target/site")]
        site: PathBuf,
        /// Static files
        #[arg(long, default_value = "public")]
        public: PathBuf,
        /// Address of the site as browsers see it
        #[arg(long)]
        public_url: Option<String>,
    },
    /// Work on jobs beside a serving process
    #[command(after_help = VARIABLES)]
    Work {
        #[command(flatten)]
        place: Place,
    },
    /// Bring the database up to this release
    Migrate {
        #[command(flatten)]
        place: Place,
    },
    /// Make an account an operator
    Operator {
        #[command(flatten)]
        place: Place,
        /// The account's e-mail address
        #[arg(long)]
        email: String,
        /// Also where nobody has shown that the address is theirs
        #[arg(long)]
        unproven: bool,
    },
    /// After an older copy of the database was put back: go on from the newer public log in the data folder
    ///
    /// Reads every entry and tile of the log, and refuses unless it extends what the database knows. Orders and accounts made
    /// since the copy stay lost; what was logged stays logged.
    AdoptLog {
        #[command(flatten)]
        place: Place,
    },
    /// The search index: build it anew from the catalogue, while no server of this data folder runs
    Search {
        #[command(subcommand)]
        command: Search,
    },
    /// The money: audit and export
    Books {
        #[command(subcommand)]
        command: Books,
    },
}

#[derive(Subcommand)]
enum Books {
    /// Re-derive every balance from its postings, hold lines and calls against them, and compare with the provider's own books; fails at
    /// the first difference
    Audit {
        #[command(flatten)]
        place: Place,
    },
    /// Write what accountants and authorities ask for, as CSV or JSON. Every figure is a sum of postings, by business time in UTC. Not
    /// tax advice
    Export {
        /// Which table
        #[arg(value_enum, default_value_t = Report::Years)]
        report: Report,
        #[command(flatten)]
        place: Place,
        /// One year only
        #[arg(long, value_parser = export::parse_year)]
        year: Option<i64>,
        /// One creator only, by handle (years, quarters and lines)
        #[arg(long)]
        creator: Option<String>,
        /// How it is written
        #[arg(long, value_enum, default_value_t = Format::Csv)]
        format: Format,
        /// The file to write; standard output when left out
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

#[derive(Subcommand)]
enum Search {
    /// Read every listing on sale and build the index anew; a server does so by itself where it finds none that fits
    Rebuild {
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Args)]
struct Place {
    /// Data folder
    #[arg(long, default_value = "data")]
    data: PathBuf,
    /// postgres://… or a SQLite file; the data folder's own when left out
    #[arg(long)]
    database_url: Option<String>,
}

/// The database of a shop that is there already: these commands make none.
async fn existing(place: &Place) -> Result<Db> {
    let found = Db::open_existing(place.database_url.as_deref(), &place.data).await?;
    found.map_err(|absent| anyhow::anyhow!("there is no shop's database at {}", absent.display()))
}

fn config(
    place: Place,
    demo: bool,
    site: PathBuf,
    public: PathBuf,
    public_url: String,
) -> Result<Config> {
    Config::load(Options {
        data: place.data,
        database_url: place.database_url,
        site,
        public,
        public_url,
        demo,
    })
}

fn main() -> std::process::ExitCode {
    // SAFETY: the first line of the program; no other thread runs yet.
    unsafe { engine::onnx_runtime::keep_quiet() };
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(said) => return results::usage(&said),
    };
    site::config::keep_files_private();
    site::config::start_logging();
    let threads = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start");
    let ended = threads.and_then(|threads| {
        let ended = threads.block_on(run(arguments.command));
        // An engine in the middle of a long step keeps no process: its job was given back.
        threads.shutdown_background();
        ended
    });
    results::end(ended)
}

async fn run(command: Command) -> Result<()> {
    match command {
        Command::Serve {
            place,
            port,
            host,
            no_demo,
            site,
            public,
            public_url,
        } => {
            let address = SocketAddr::new(host, port);
            let public_url = public_url.unwrap_or_else(|| format!("http://localhost:{port}"));
            if !host.is_loopback() && public_url.starts_with("http://") {
                tracing::warn!(
                    public_url,
                    "other machines can look, but their browsers keep no cookie of an address without https: nobody can sign in or fill a cart from there; set --public-url https://…"
                );
            }
            let config = config(place, !no_demo, site, public, public_url)?;
            Process::open(config, true).await?.serve(address).await
        }
        Command::Work { place } => {
            let config = config(
                place,
                false,
                PathBuf::new(),
                PathBuf::new(),
                "http://localhost".into(),
            )?;
            Process::open(config, false).await?.work().await
        }
        Command::Migrate { place } => {
            std::fs::create_dir_all(&place.data)?;
            let db = Db::open(place.database_url.as_deref(), &place.data).await?;
            db.migrate().await?;
            db.close().await;
            Ok(())
        }
        Command::Operator {
            place,
            email,
            unproven,
        } => {
            let db = existing(&place).await?;
            let made = make_operator(&db, &email, unproven).await?;
            db.close().await;
            match made {
                Made::Operator => Ok(()),
                Made::NoAccount => anyhow::bail!("there is no account with the address {email}"),
                Made::Unproven => anyhow::bail!(
                    "nobody has opened a link that was mailed to {email}: anybody may have signed up with that address; open the link first, or say --unproven"
                ),
            }
        }
        Command::AdoptLog { place } => {
            let (none, url) = (PathBuf::new(), "http://localhost".into());
            let config = config(place, false, none.clone(), none, url)?;
            let process = Process::open(config, false).await?;
            let (old, new) = process.adopt_log().await?;
            tracing::info!(
                old,
                new,
                "the database goes on from the log; start the server, which fills in the rest"
            );
            Ok(())
        }
        Command::Search {
            command: Search::Rebuild { place },
        } => rebuild_search(&place).await,
        Command::Books {
            command: Books::Audit { place },
        } => audit(place).await,
        Command::Books {
            command:
                Books::Export {
                    report,
                    place,
                    year,
                    creator,
                    format,
                    out,
                },
        } => write_report(place, report, Range { year, creator }, format, out).await,
    }
}

async fn rebuild_search(place: &Place) -> Result<()> {
    let db = existing(place).await?;
    let finder = Finder::new(Some(place.data.join("search")));
    follow::build(&db, &finder)
        .await
        .context("the search index was not built; stop the server of this data folder first")?;
    db.close().await;
    Ok(())
}

async fn audit(place: Place) -> Result<()> {
    let db = existing(&place).await?;
    let audited = money::books::service::audit(&mut db.read().await?).await?;
    let stripe = site::config::stripe()?;
    let provider = site::web::server::provider(stripe.as_ref(), &db).await?;
    let reconciled = reconcile_settled(&db, provider.as_ref(), &PAUSES).await?;
    db.close().await;
    let entries = audited
        .map_err(anyhow::Error::msg)
        .context("the books do not add up")?;
    let objects = reconciled
        .verdict()
        .map_err(anyhow::Error::msg)
        .context("the books and the provider differ")?;
    tracing::info!(
        entries,
        objects,
        "the books add up and equal the provider's"
    );
    Ok(())
}

async fn write_report(
    place: Place,
    report: Report,
    range: Range,
    format: Format,
    out: Option<PathBuf>,
) -> Result<()> {
    if let Some(path) = &out {
        results::check_place(path)?;
    }
    let db = existing(&place).await?;
    let table = export::table(&mut db.read().await?, report, &range).await?;
    db.close().await;
    let bytes = table.to_bytes(format)?;
    match out {
        Some(path) => results::save(&path, &bytes),
        None => results::print(&bytes),
    }
}
