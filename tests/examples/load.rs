//! Asks a shop for pages as visitors do, and buys in it, and prints one JSON object of what it took.
//!
//!     load BASE pages LISTINGS [PAGE…]        every page, one visitor after another and then eight at once
//!     load BASE peer PRODUCTS                 the three pages that django-oscar has as well
//!     load BASE buyers BUYERS READERS LISTINGS FROM SECONDS
//!
//! LISTINGS is how many were grown. The one rule: an answer that is not whole and 200 is an error and counts as one, never as quick.

use anyhow::{Context as _, Result, bail};
use regex::Regex;
use reqwest::cookie::Jar;
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Requests of a page by one visitor, at most, and for how long.
const ALONE: usize = 200;
const ALONE_FOR: Duration = Duration::from_secs(4);
/// Visitors at once, and for how long.
const AT_ONCE: usize = 8;
const AT_ONCE_FOR: Duration = Duration::from_secs(2);

const WORDS: [&str; 12] = [
    "cat", "fox", "heart", "star", "apple", "moon", "Katze", "Herz", "Stern", "猫", "心", "苹果",
];

/// One kind of page: where its nth request goes, and as whom.
struct Page {
    name: &'static str,
    role: Option<&'static str>,
    path: fn(u64, u64) -> String,
}

fn page(name: &'static str, path: fn(u64, u64) -> String) -> Page {
    Page {
        name,
        role: None,
        path,
    }
}

/// Far from the last one, and never the same twice in a row.
fn scattered(n: u64, below: u64) -> u64 {
    n.wrapping_mul(2_654_435_761) % below.max(1)
}

fn word(n: u64) -> &'static str {
    WORDS[usize::try_from(n % 12).unwrap_or(0)]
}

fn pages() -> Vec<Page> {
    vec![
        page("home", |_, _| "/".into()),
        page("browse", |_, _| "/explore".into()),
        page("browse, facets", |n, _| {
            let price = 3 + n % 5;
            format!("/explore?kind=template&max={price}&language=en&sort=newest")
        }),
        page("browse, page 40", |_, _| "/explore?page=40".into()),
        page("search, rare", |_, _| "/explore?q=quokka".into()),
        page("search, common", |_, _| "/explore?q=glossy".into()),
        page("search, Chinese", |_, _| "/explore?q=%E7%8C%AB".into()),
        page("search, none", |n, _| format!("/explore?q=xqzw{n}")),
        page("search, typo", |_, _| "/explore?q=quoka".into()),
        page("search, two words never asked", |n, _| {
            format!("/explore?q={}%20{}", word(n), scattered(n, 1000))
        }),
        page("suggestions", |n, _| {
            format!("/explore/suggest?q={}", word(n))
        }),
        page("listing", |n, of| {
            format!("/listings/grown-{}", scattered(n, of))
        }),
        page("storefront", |n, of| {
            let maker = scattered(n, (of / 20).min(5000));
            // Every hundredth listing is somebody else's.
            format!("/creators/maker-{}", maker - u64::from(maker % 100 == 3))
        }),
        Page {
            name: "library, 1,000 lines",
            role: Some("collector"),
            path: |_, _| "/library".into(),
        },
        Page {
            name: "money, 10,000 sales",
            role: Some("creator"),
            path: |_, _| "/money".into(),
        },
    ]
}

fn client() -> Result<Client> {
    let builder = Client::builder()
        .cookie_store(true)
        .redirect(Policy::none())
        // A visitor has so many connections and no more; a second one that waits is one too many.
        .pool_max_idle_per_host(1);
    Ok(builder.timeout(Duration::from_secs(30)).build()?)
}

fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = (sorted.len() as f64 * share) as usize;
    sorted
        .get(at.min(sorted.len().saturating_sub(1)))
        .copied()
        .unwrap_or(f64::NAN)
}

/// Milliseconds to the first byte, of an answer that is whole.
async fn ask(client: &Client, url: &str) -> Result<f64> {
    let begun = Instant::now();
    let answer = client.get(url).send().await?;
    let first = begun.elapsed().as_secs_f64() * 1000.0;
    let status = answer.status();
    let body = answer.bytes().await?;
    if status != StatusCode::OK || body.is_empty() {
        bail!("{url}: {status}");
    }
    Ok(first)
}

async fn measure(base: &str, client: Client, page: &Page, count: u64) -> Result<Value> {
    let at = |n: u64| format!("{base}{}", (page.path)(n, count));
    for n in 0..3 {
        ask(&client, &at(n)).await?;
    }
    let (begun, mut times, mut n) = (Instant::now(), Vec::new(), 3);
    while times.len() < ALONE && begun.elapsed() < ALONE_FOR {
        times.push(ask(&client, &at(n)).await?);
        n += 1;
    }
    times.sort_by(f64::total_cmp);
    let until = Instant::now() + AT_ONCE_FOR;
    let (done, failed) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let visitors: Vec<_> = (0..AT_ONCE as u64)
        .map(|visitor| {
            let (client, path, base) = (client.clone(), page.path, base.to_owned());
            let (done, failed) = (done.clone(), failed.clone());
            tokio::spawn(async move {
                let mut n = 1_000_000 * (visitor + 1);
                while Instant::now() < until {
                    match ask(&client, &format!("{base}{}", path(n, count))).await {
                        Ok(_) => done.fetch_add(1, Ordering::Relaxed),
                        Err(_) => failed.fetch_add(1, Ordering::Relaxed),
                    };
                    n += 1;
                }
            })
        })
        .collect();
    for visitor in visitors {
        visitor.await?;
    }
    Ok(json!({
        "p50_ms": quantile(&times, 0.5),
        "p95_ms": quantile(&times, 0.95),
        "p99_ms": quantile(&times, 0.99),
        "a_second": done.load(Ordering::Relaxed) as f64 / AT_ONCE_FOR.as_secs_f64(),
        "errors": failed.load(Ordering::Relaxed),
    }))
}

async fn measure_all(base: &str, pages: Vec<Page>, count: u64) -> Result<Value> {
    let mut found = Map::new();
    for page in pages {
        let client = client()?;
        if let Some(role) = page.role {
            let sent = client
                .post(format!("{base}/sign-in/demo"))
                .header("sec-fetch-site", "same-origin");
            let answer = sent.form(&[("role", role)]).send().await?;
            if answer.status() != StatusCode::SEE_OTHER {
                bail!("signing in as {role}: {}", answer.status());
            }
        }
        found.insert(page.name.into(), measure(base, client, &page, count).await?);
    }
    Ok(Value::Object(found))
}

/// What django-oscar shows, too.
fn peer_pages() -> Vec<Page> {
    vec![
        page("browse", |_, _| "/catalogue/".into()),
        page("search, rare", |_, _| "/search/?q=quokka".into()),
        page("listing", |n, of| {
            format!("/catalogue/p-{0}_{0}/", 1 + scattered(n, of))
        }),
    ]
}

/// A member who buys one listing after the other.
struct Buyer {
    base: String,
    client: Client,
    number: u64,
}

impl Buyer {
    /// Who has this number in a shop that was grown.
    fn new(base: &str, number: u64) -> Result<Self> {
        let jar = Arc::new(Jar::default());
        jar.add_cookie_str(
            &format!("__Host-session=bench-{number}; Path=/"),
            &base.parse()?,
        );
        let builder = Client::builder()
            .cookie_provider(jar)
            .redirect(Policy::none())
            // A visitor has so many connections and no more; a second one that waits is one too many.
            .pool_max_idle_per_host(1);
        Ok(Self {
            base: base.to_owned(),
            client: builder.timeout(Duration::from_secs(30)).build()?,
            number,
        })
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Result<String> {
        let form_key = format!("{:032x}", rand(self.number));
        let mut fields = fields.to_vec();
        fields.push(("form_key", &form_key));
        let sent = self
            .client
            .post(format!("{}{path}", self.base))
            .header("sec-fetch-site", "same-origin");
        let answer = sent.form(&fields).send().await?;
        let (status, place) = (answer.status(), answer.headers().get("location").cloned());
        let body = answer.text().await?;
        match place {
            Some(place) if status == StatusCode::SEE_OTHER => Ok(place.to_str()?.to_owned()),
            _ => {
                let why = Regex::new(r#"role="alert"[^>]*>([^<]*)"#)?;
                let why = why.captures(&body).map_or(body.as_str(), |found| {
                    found.get(1).map_or("", |why| why.as_str())
                });
                bail!(
                    "{path}: {status}: {}",
                    why.chars().take(300).collect::<String>()
                )
            }
        }
    }

    /// Seconds that it took; nothing for a listing that costs nothing, or that the grown shop gave to this buyer. What is not bought does not
    /// stay in the cart.
    async fn buy(&self, listing: u64) -> Result<Option<f64>> {
        let bought = self.try_to_buy(listing).await;
        if !matches!(bought, Ok(Some(_))) {
            let id = format!("00000000-0000-7000-8003-{listing:012}");
            self.post("/cart/remove", &[("listing", &id)]).await?;
        }
        match bought {
            Err(error) if format!("{error:#}").contains("You own something") => Ok(None),
            bought => bought,
        }
    }

    async fn try_to_buy(&self, listing: u64) -> Result<Option<f64>> {
        let get = async |path: &str| {
            let answer = self
                .client
                .get(format!("{}{path}", self.base))
                .send()
                .await?;
            match answer.status() {
                StatusCode::OK => Ok(answer.text().await?),
                status => bail!("{path}: {status}"),
            }
        };
        let begun = Instant::now();
        let id = format!("00000000-0000-7000-8003-{listing:012}");
        self.post("/cart/add", &[("listing", &id)]).await?;
        let cart = get("/cart").await?;
        let total = Regex::new(r#"name="total" value="(\d+)""#)?
            .captures(&cart)
            .context("the cart has no total")?[1]
            .to_owned();
        if total == "0" {
            return Ok(None);
        }
        let payment = self.post("/checkout", &[("total", &total)]).await?;
        let payment = payment.trim_start_matches(&self.base).to_owned();
        get(&payment).await?;
        let card = [("card", "4242424242424242"), ("country", "US")];
        let order = self.post(&payment, &card).await?;
        let order = order.trim_start_matches(&self.base).to_owned();
        while !get(&order).await?.contains("data-state=\"paid\"") {
            if begun.elapsed() > Duration::from_secs(60) {
                bail!("{order} is not paid after a minute");
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        Ok(Some(begun.elapsed().as_secs_f64()))
    }
}

/// A number that nobody had before.
fn rand(of: u64) -> u128 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |now| now.as_nanos());
    (u128::from(of) << 100) ^ (u128::from(NEXT.fetch_add(1, Ordering::Relaxed)) << 70) ^ now
}

async fn read_until(
    base: String,
    reader: u64,
    listings: u64,
    stop: Arc<AtomicBool>,
) -> Result<(u64, Vec<String>)> {
    let client = client()?;
    let pages = pages();
    let open: Vec<&Page> = pages.iter().filter(|page| page.role.is_none()).collect();
    let (mut done, mut errors, mut n) = (0, Vec::new(), reader * 7);
    while !stop.load(Ordering::Relaxed) {
        let page = open[usize::try_from(n % open.len() as u64).unwrap_or(0)];
        match ask(&client, &format!("{base}{}", (page.path)(n * 31, listings))).await {
            Ok(_) => done += 1,
            Err(error) => errors.push(format!("{error:#}")),
        }
        n += 1;
    }
    Ok((done, errors))
}

async fn buyers(
    base: &str,
    buyers: u64,
    readers: u64,
    listings: u64,
    from: u64,
    seconds: u64,
) -> Result<Value> {
    let stop = Arc::new(AtomicBool::new(false));
    let reading: Vec<_> = (0..readers)
        .map(|reader| tokio::spawn(read_until(base.to_owned(), reader, listings, stop.clone())))
        .collect();
    let begun = Instant::now();
    let buying: Vec<_> = (0..buyers)
        .map(|number| {
            let buyer = Buyer::new(base, number);
            let stop = stop.clone();
            tokio::spawn(async move {
                let (mut times, mut errors, mut n) = (Vec::new(), Vec::new(), 0);
                let buyer = match buyer {
                    Ok(buyer) => buyer,
                    Err(error) => return (times, vec![error.to_string()]),
                };
                while !stop.load(Ordering::Relaxed) {
                    match buyer
                        .buy(scattered(from + number + n * buyers, listings))
                        .await
                    {
                        Ok(time) => times.extend(time),
                        Err(error) => errors.push(format!("{error:#}")),
                    }
                    n += 1;
                }
                (times, errors)
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    stop.store(true, Ordering::Relaxed);
    let (mut times, mut errors, mut read) = (Vec::new(), Vec::new(), 0);
    for buyer in buying {
        let (own, wrong) = buyer.await?;
        times.extend(own);
        errors.extend(wrong);
    }
    let took = begun.elapsed().as_secs_f64();
    for reader in reading {
        let (done, wrong) = reader.await??;
        read += done;
        errors.extend(wrong);
    }
    times.sort_by(f64::total_cmp);
    Ok(json!({
        "purchases_a_second": times.len() as f64 / took,
        "p50_s": quantile(&times, 0.5),
        "p95_s": quantile(&times, 0.95),
        "reads_a_second": read as f64 / took,
        "errors": errors.len(),
        "first_errors": errors.iter().take(3).collect::<Vec<_>>(),
    }))
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let found = match arguments.as_slice() {
        [base, "pages", count, only @ ..] => {
            let mut pages = pages();
            pages.retain(|page| only.is_empty() || only.contains(&page.name));
            measure_all(base, pages, count.parse()?).await?
        }
        [base, "peer", count] => measure_all(base, peer_pages(), count.parse()?).await?,
        [base, "buyers", buyer, readers, listings, from, seconds] => {
            buyers(
                base,
                buyer.parse()?,
                readers.parse()?,
                listings.parse()?,
                from.parse()?,
                seconds.parse()?,
            )
            .await?
        }
        _ => bail!("say what to load: its first lines say how"),
    };
    println!("{found}");
    Ok(())
}
