//! Settings: the only place that reads the environment. A wrong or half-set one is an error at start, never a default.

use crate::address::TrustedProxies;
use anyhow::{Context as _, Result, bail};
use base::clock::MINUTE_MS;
use base::mail::Smtp;
use engine::onnx_runtime::Provider;
use ledger::policy::Policy;
use market::shop::Waits;
use money::books::service as books;
use money::provider::stripe::Settings;
use schema::money::FeeSchedule;
use schema::recipe::ModelDigest;
use std::path::{Path, PathBuf};

/// The execution provider that `SEEDMARK_EP` names.
fn provider() -> Result<Option<Provider>> {
    let name = std::env::var("SEEDMARK_EP").ok();
    let name = name.filter(|name| !name.is_empty());
    let provider = name.map(|name| Provider::parse(&name).context("SEEDMARK_EP"));
    provider.transpose()
}

/// The origin of a demo's log: one for all demos, so that a demo leaf never enters a real log.
pub const DEMO_ORIGIN: &str = "demo.seedmark.example/log";

/// Everything that can be set from outside.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where data lies.
    pub data: PathBuf,
    /// `postgres://…` or a SQLite path; the data folder's own file when absent.
    pub database_url: Option<String>,
    /// Built assets.
    pub site: PathBuf,
    /// Static files served as they are.
    pub public: PathBuf,
    /// Address of the site as browsers see it.
    pub public_url: String,
    /// Whether the demo catalogue is wanted on an empty data folder.
    pub demo: bool,
    /// Pictures made at once.
    pub engines: usize,
    /// The ONNX Runtime library.
    pub runtime: PathBuf,
    /// Where models lie beside the embedded one, each in a folder of its own: what `seedmark model add` put there, and those of earlier
    /// releases, whose recipes were sold. The folder `models` of the data folder when nothing is said and it is there.
    pub models: Option<PathBuf>,
    /// The models whose recipes may be sold; all whose licence allows it when nothing is said.
    pub sale_models: Option<Vec<ModelDigest>>,
    /// What makes quick looks in the studio, beside the CPU.
    pub provider: Option<Provider>,
    /// Bytes that engines may keep in memory together.
    pub engine_memory_bytes: Option<u64>,
    /// The log's origin for a new data folder that is no demo.
    pub origin: Option<String>,
    /// The witnesses that must cosign the log, from the tlog-policy file that `SEEDMARK_WITNESS_POLICY` names.
    pub witness_policy: Option<Policy>,
    /// What we take of a line sold from now on.
    pub fee: FeeSchedule,
    /// The smallest order that costs anything.
    pub minimum_order_minor: i64,
    /// Stripe, where it is configured; else the sandbox.
    pub stripe: Option<Settings>,
    /// The machines in front of the shop that say truly whom they speak for.
    pub trusted_proxies: TrustedProxies,
    /// How mail leaves; into files when absent.
    pub smtp: Option<Smtp>,
    /// Who sells, for invoices: name and address, one line each.
    pub invoice_seller: Vec<String>,
    /// The smallest weekly payout.
    pub minimum_payout_minor: i64,
    /// With less free space where the data lies the shop says that it fails.
    pub least_free_bytes: u64,
    /// How long what new creators publish waits before it becomes public; in a demo nothing does.
    pub waits: Waits,
}

/// What the command line gives.
pub struct Options {
    /// Where data lies.
    pub data: PathBuf,
    /// As in [`Config`].
    pub database_url: Option<String>,
    /// As in [`Config`].
    pub site: PathBuf,
    /// As in [`Config`].
    pub public: PathBuf,
    /// As in [`Config`].
    pub public_url: String,
    /// As in [`Config`].
    pub demo: bool,
}

impl Config {
    /// Joins command line and environment.
    ///
    /// # Errors
    /// Names the setting that is wrong or missing.
    pub fn load(options: Options) -> Result<Self> {
        let plain_local = ["http://127.0.0.1", "http://localhost", "http://[::1]"];
        let secure = options.public_url.starts_with("https://")
            || plain_local
                .iter()
                .any(|prefix| options.public_url.starts_with(prefix));
        if !secure {
            bail!(
                "the public address {} is neither https nor this machine: session cookies would travel in the open",
                options.public_url
            );
        }
        let configured = std::env::var_os("ORT_DYLIB_PATH").map(PathBuf::from);
        let cache = std::env::var_os("XDG_CACHE_HOME")
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
            .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")));
        let program = std::env::current_exe().ok();
        let runtime = engine::onnx_runtime::OnnxRuntime::find(
            configured,
            program.as_deref(),
            cache.as_deref(),
        )?;
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let stripe = stripe()?;
        let beside = options.data.join("models");
        let models = std::env::var_os("SEEDMARK_MODELS")
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
            .or_else(|| beside.is_dir().then_some(beside));
        Ok(Self {
            data: options.data,
            database_url: options.database_url,
            site: options.site,
            public: options.public,
            public_url: options.public_url,
            demo: options.demo,
            engines: number("SEEDMARK_ENGINES", cores as i64)?.clamp(1, 64) as usize,
            runtime,
            models,
            sale_models: sale_models()?,
            engine_memory_bytes: engine_memory_bytes()?,
            provider: provider()?,
            origin: std::env::var("SEEDMARK_LOG_ORIGIN").ok(),
            witness_policy: witness_policy()?,
            fee: fee()?,
            invoice_seller: invoice_seller(
                &std::env::var("SEEDMARK_INVOICE_SELLER")
                    .ok()
                    .filter(|text| !text.trim().is_empty())
                    .unwrap_or_else(|| "Seedmark".into()),
                stripe.as_ref().is_some_and(Settings::is_live),
            )?,
            stripe,
            trusted_proxies: trusted_proxies()?,
            smtp: smtp()?,
            minimum_order_minor: number("SEEDMARK_MINIMUM_ORDER_MINOR", 250)?,
            minimum_payout_minor: number("SEEDMARK_MINIMUM_PAYOUT_MINOR", 2500)?,
            least_free_bytes: least_free_bytes()?,
            waits: waits()?,
        })
    }
}

/// `SEEDMARK_SALE_MODELS`: digests with commas between them.
fn sale_models() -> Result<Option<Vec<ModelDigest>>> {
    const NAME: &str = "SEEDMARK_SALE_MODELS";
    let Ok(text) = std::env::var(NAME) else {
        return Ok(None);
    };
    let listed = text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty());
    listed
        .map(|part| ModelDigest::parse(part).with_context(|| format!("{NAME}: {part:?}")))
        .collect::<Result<_>>()
        .map(Some)
}

/// `SEEDMARK_ENGINE_MEMORY`: whole gigabytes, or megabytes with an M behind them.
fn engine_memory_bytes() -> Result<Option<u64>> {
    const NAME: &str = "SEEDMARK_ENGINE_MEMORY";
    let Ok(text) = std::env::var(NAME) else {
        return Ok(None);
    };
    let (digits, unit) = match text.trim().strip_suffix(['M', 'm']) {
        Some(digits) => (digits, 1_000_000),
        None => (text.trim().trim_end_matches(['G', 'g']), 1_000_000_000),
    };
    let number = digits
        .trim()
        .parse::<u64>()
        .ok()
        .filter(|number| *number > 0);
    let bytes = number.and_then(|number| number.checked_mul(unit));
    match bytes {
        Some(bytes) => Ok(Some(bytes)),
        None => bail!("{NAME} is {text:?}; gigabytes such as 8, or megabytes such as 600M, belong"),
    }
}

/// The fee of lines sold from now on, and the one currency that the books are kept in.
fn fee() -> Result<FeeSchedule> {
    if let Ok(currency) = std::env::var("SEEDMARK_CURRENCY")
        && currency != books::CURRENCY
    {
        bail!(
            "SEEDMARK_CURRENCY is {currency:?}, but books, fees and payouts are kept in {} only so far; leave the variable unset",
            books::CURRENCY
        );
    }
    let (rate, fixed) = (
        number("SEEDMARK_SHARE_BP", 1500)?,
        number("SEEDMARK_SHARE_FIXED_MINOR", 0)?,
    );
    FeeSchedule::new(rate, fixed)
        .context("SEEDMARK_SHARE_BP (basis points) or SEEDMARK_SHARE_FIXED_MINOR (cents)")
}

/// Stripe's settings: all three, or none.
///
/// # Errors
/// Names what is missing or wrong; never a value, which is secret.
pub fn stripe() -> Result<Option<Settings>> {
    const NAMES: [&str; 3] = [
        "SEEDMARK_STRIPE_SECRET_KEY",
        "SEEDMARK_STRIPE_WEBHOOK_SECRET",
        "SEEDMARK_STRIPE_CONNECT_WEBHOOK_SECRET",
    ];
    let read = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let [key, webhook, connect] = NAMES.map(read);
    let (key, webhook, connect) = match (key, webhook, connect) {
        (None, None, None) => {
            for name in ["SEEDMARK_STRIPE_URL", "SEEDMARK_STRIPE_AUTOMATIC_TAX"] {
                if read(name).is_some() {
                    bail!(
                        "{name} is set and {} is not: Stripe is half configured",
                        NAMES[0]
                    );
                }
            }
            return Ok(None);
        }
        (Some(key), Some(webhook), Some(connect)) => (key, webhook, connect),
        (key, webhook, connect) => {
            let set = [key, webhook, connect];
            let missing: Vec<&str> = NAMES
                .into_iter()
                .zip(&set)
                .filter(|(_, value)| value.is_none())
                .map(|(name, _)| name)
                .collect();
            bail!(
                "Stripe is half configured: set {} too, or none of its variables",
                missing.join(" and ")
            );
        }
    };
    if !["sk_test_", "sk_live_", "rk_test_", "rk_live_"]
        .iter()
        .any(|prefix| key.starts_with(prefix))
    {
        bail!("SEEDMARK_STRIPE_SECRET_KEY is no secret or restricted key of Stripe (sk_… or rk_…)");
    }
    let url = read("SEEDMARK_STRIPE_URL");
    if let Some(url) = &url
        && !url.starts_with("http://127.0.0.1:")
    {
        bail!("SEEDMARK_STRIPE_URL is for tests on this machine only: http://127.0.0.1:…/");
    }
    Ok(Some(Settings {
        secret_key: key,
        webhook_secrets: secrets(NAMES[1], &webhook)?,
        connect_webhook_secrets: secrets(NAMES[2], &connect)?,
        automatic_tax: read("SEEDMARK_STRIPE_AUTOMATIC_TAX").is_some_and(|value| value == "yes"),
        url,
    }))
}

/// Signing secrets, several while they are exchanged. An empty one would be a key that everybody knows.
fn secrets(name: &str, text: &str) -> Result<Vec<String>> {
    let secrets: Vec<String> = text
        .split(',')
        .map(|secret| secret.trim().to_owned())
        .collect();
    if secrets.iter().any(String::is_empty) {
        bail!("{name} has an empty part: take out the comma that is too many");
    }
    Ok(secrets)
}

fn smtp() -> Result<Option<Smtp>> {
    let read = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    match (read("SEEDMARK_SMTP_URL"), read("SEEDMARK_MAIL_FROM")) {
        (Some(url), Some(from)) => Ok(Some(Smtp { url, from })),
        (None, None) => Ok(None),
        _ => bail!(
            "mail is half configured: set both SEEDMARK_SMTP_URL and SEEDMARK_MAIL_FROM, or neither"
        ),
    }
}

/// `SEEDMARK_TRUSTED_PROXIES`: addresses and blocks, separated by commas.
fn trusted_proxies() -> Result<TrustedProxies> {
    let text = std::env::var("SEEDMARK_TRUSTED_PROXIES").unwrap_or_default();
    TrustedProxies::parse(&text).map_err(|part| {
        anyhow::anyhow!(
            "SEEDMARK_TRUSTED_PROXIES: {part:?} is neither an address nor a block such as 10.0.0.0/8"
        )
    })
}

/// `SEEDMARK_INVOICE_SELLER`, lines separated by `|`: a name, and where real money moves an address as well, without which an invoice is none.
fn invoice_seller(text: &str, real_money: bool) -> Result<Vec<String>> {
    let lines = text.split('|').map(|line| line.trim().to_owned());
    let lines: Vec<String> = lines.filter(|line| !line.is_empty()).collect();
    if real_money && lines.len() < 2 {
        bail!(
            "real money moves here, and invoices lack the seller's address: set SEEDMARK_INVOICE_SELLER, such as \"Name|Street 1|12345 Town|VAT id\""
        );
    }
    Ok(lines)
}

/// `SEEDMARK_REVIEW_WAIT_MINUTES`: the least and the most, such as `120-1440`, or one number.
fn waits() -> Result<Waits> {
    let text = std::env::var("SEEDMARK_REVIEW_WAIT_MINUTES").unwrap_or_else(|_| "120-1440".into());
    let wrong = || {
        format!(
            "SEEDMARK_REVIEW_WAIT_MINUTES is {text:?}; it is one number of minutes, or two such as 120-1440, up to a month"
        )
    };
    let (least, most) = text.split_once('-').unwrap_or((&text, &text));
    let minutes = |text: &str| text.trim().parse::<i64>().with_context(wrong);
    let (least, most) = (minutes(least)?, minutes(most)?);
    if least < 0 || least > most || most > 31 * 24 * 60 {
        bail!(wrong());
    }
    Ok(Waits {
        least_ms: least * MINUTE_MS,
        most_ms: most * MINUTE_MS,
    })
}

/// `SEEDMARK_LEAST_FREE_MIB`.
fn least_free_bytes() -> Result<u64> {
    let mib = number("SEEDMARK_LEAST_FREE_MIB", 256)?;
    let mib = u64::try_from(mib).context("SEEDMARK_LEAST_FREE_MIB is below zero")?;
    Ok(mib.saturating_mul(1 << 20))
}

fn witness_policy() -> Result<Option<Policy>> {
    let Some(path) = std::env::var_os("SEEDMARK_WITNESS_POLICY").map(PathBuf::from) else {
        return Ok(None);
    };
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("SEEDMARK_WITNESS_POLICY: cannot read {}", path.display()))?;
    let policy = Policy::parse(&text)
        .with_context(|| format!("SEEDMARK_WITNESS_POLICY: {}", path.display()))?;
    if !policy.asks_for_witnesses() {
        bail!(
            "SEEDMARK_WITNESS_POLICY: {} says \"quorum none\"; name a quorum, or leave the variable unset",
            path.display()
        );
    }
    Ok(Some(policy))
}

fn number(name: &str, default: i64) -> Result<i64> {
    match std::env::var(name) {
        Ok(text) => text
            .parse()
            .with_context(|| format!("{name} is {text:?}, which is not a number")),
        Err(_) => Ok(default),
    }
}

/// Whether the public log may be begun here: once for a key that this installation made itself, and for a key from the
/// environment when `SEEDMARK_LOG_BEGIN=yes` says so.
#[must_use]
pub fn may_begin_log(data: &Path) -> bool {
    if std::env::var("SEEDMARK_LOG_BEGIN").is_ok_and(|value| value == "yes") {
        return true;
    }
    std::env::var_os("SEEDMARK_LOG_KEY").is_none() && !log_begun_note(data).exists()
}

/// The note that a log was begun under this installation's key. It lies beside the key, so that whoever restores one restores both.
#[must_use]
pub fn log_begun_note(data: &Path) -> PathBuf {
    data.join("keys").join("log-begun")
}

/// Whether a variable of the environment is set.
#[must_use]
pub fn is_set(variable: &str) -> bool {
    std::env::var_os(variable).is_some()
}

/// A secret key of this installation: 64 hex digits from the environment, else a file in the data folder, made on first use.
///
/// # Errors
/// When the variable or the file holds anything else.
pub fn installation_key(data: &Path, variable: &str, file: &str) -> Result<[u8; 32]> {
    let parse = |text: &str, place: &str| -> Result<[u8; 32]> {
        let mut key = [0; 32];
        hex::decode_to_slice(text.trim(), &mut key)
            .ok()
            .with_context(|| format!("{place} does not hold 64 hex digits"))?;
        Ok(key)
    };
    if let Ok(text) = std::env::var(variable) {
        return parse(&text, variable);
    }
    let path = data.join("keys").join(file);
    match std::fs::read_to_string(&path) {
        Ok(text) => parse(&text, &path.display().to_string()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let key: [u8; 32] = base::random::bytes();
            write_secret(&path, &hex::encode(key))
                .with_context(|| format!("cannot write {}", path.display()))?;
            Ok(key)
        }
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

fn write_secret(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    writeln!(file, "{text}")?;
    file.sync_all()
}

/// Whatever this program writes is its owner's alone: a database, mails with links that let people in, keys.
pub fn keep_files_private() {
    #[cfg(unix)]
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
}

/// Makes the data folder, and takes it out of the reach of everybody else on the machine, also one that was made before.
///
/// # Errors
/// When it cannot be made.
pub fn private_folder(data: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(data)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // On somebody else's folder that is theirs to decide.
        let _kept = std::fs::set_permissions(data, std::fs::Permissions::from_mode(0o700));
    }
    Ok(())
}

/// Logs to standard error: readable on a terminal, JSON with `SEEDMARK_LOG_FORMAT=json`; levels by `SEEDMARK_LOG`.
pub fn start_logging() {
    use std::io::IsTerminal as _;
    let levels = std::env::var("SEEDMARK_LOG").unwrap_or_else(|_| "info,sqlx=warn".into());
    let filter = tracing_subscriber::EnvFilter::new(levels);
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        // A line that cannot be written is lost; saying so on the same standard error would end the program.
        .log_internal_errors(false)
        .with_writer(std::io::stderr);
    if std::env::var("SEEDMARK_LOG_FORMAT").is_ok_and(|format| format == "json") {
        builder.json().init();
    } else {
        builder.with_ansi(std::io::stderr().is_terminal()).init();
    }
}

#[cfg(test)]
mod tests {
    use super::{invoice_seller, secrets};

    #[test]
    fn a_comma_too_many_is_no_secret() {
        for text in ["whsec_a,", ",", "whsec_a,,whsec_b", " ,whsec_a"] {
            assert!(secrets("NAME", text).is_err(), "{text:?}");
        }
        let two = secrets("NAME", "whsec_a, whsec_b").expect("two");
        assert_eq!(two, ["whsec_a", "whsec_b"]);
    }

    #[test]
    fn an_invoice_for_real_money_has_its_sellers_address() {
        for text in ["Seedmark", "Seedmark|", "", "| "] {
            assert!(invoice_seller(text, true).is_err(), "{text:?}");
            assert!(invoice_seller(text, false).is_ok(), "{text:?}");
        }
        let lines = invoice_seller("Seedmark Ltd | Street 1", true).expect("lines");
        assert_eq!(lines, ["Seedmark Ltd", "Street 1"]);
    }
}
