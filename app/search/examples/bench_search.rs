//! What a search costs among a thousand, a hundred thousand and a million listings, and what they cost in memory.
//!
//!     cargo run --release --package seedmark-search --example bench_search -- FOLDER [COUNT…]
//!
//! The one rule: the same questions are asked of every size, each as it is asked first and as it is asked again. An index that lies in FOLDER
//! is opened instead of built.

use schema::id::ListingId;
use schema::licence::Licence;
use schema::listing::Category;
use search::{Change, Document, Filters, Index, Language, Print, Query, Request, Sort, Variable};
use std::path::Path;
use std::time::{Duration, Instant};

const NOW_MS: i64 = 1_795_000_000_000;
const CREATORS: u64 = 5_000;
const NAMES: &str = include_str!("../synonyms/v1.tsv");

/// Numbers that look like chance and are the same every time.
struct Draw(u64);

impl Draw {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below.max(1)
    }

    /// A place in a list whose first are drawn far more often.
    fn skewed(&mut self, below: u64) -> usize {
        let (a, b) = (self.next(below), self.next(below));
        usize::try_from(a * b / below.max(1)).unwrap_or(0)
    }
}

fn names() -> [Vec<&'static str>; 3] {
    let mut names: [Vec<&str>; 3] = Default::default();
    for line in NAMES.lines().filter(|line| !line.starts_with('#')) {
        for (list, cell) in names.iter_mut().zip(line.split('\t').skip(2)) {
            list.extend(cell.split("; ").filter(|name| !name.is_empty()).take(2));
        }
    }
    names
}

fn id(number: u64) -> ListingId {
    ListingId::parse(&format!(
        "{:08x}-0000-7000-8000-{:012x}",
        number >> 8,
        number
    ))
    .expect("an id")
}

fn document(number: u64, names: &[Vec<&'static str>; 3]) -> Document {
    let mut draw = Draw(number.wrapping_mul(0x9e37_79b9) + 1);
    let language = [
        Language::English,
        Language::English,
        Language::German,
        Language::Chinese,
    ][draw.next(4) as usize];
    let words = &names[language as usize];
    let mut word = || words[draw.skewed(words.len() as u64)];
    let (first, second, third) = (word(), word(), word());
    let description: Vec<&str> = (0..14).map(|_| word()).collect();
    let tags = vec![
        first.to_lowercase(),
        second.to_lowercase(),
        format!("tag{}", draw.skewed(20_000)),
    ];
    let mut description = description.join(" ");
    if draw.next(100) < 46 {
        description.push_str(" glossy");
    }
    if number % 200_000 == 7 {
        description.push_str(" quokka");
    }
    let price_minor = if draw.next(3) == 0 {
        0
    } else {
        250 + draw.next(60) as i64 * 10
    };
    Document {
        id: id(number),
        title: format!("{first} {second} {}", draw.next(1_000)),
        tags,
        creator: format!("creator-{}", draw.skewed(CREATORS)),
        category: Category::ALL[draw.skewed(8)],
        description,
        language,
        variables: (0..draw.next(3))
            .map(|at| Variable {
                name: format!("choice{at}"),
                choices: vec![third.to_owned(), second.to_owned()],
            })
            .collect(),
        model: format!("blake3:{:064x}", draw.skewed(12)),
        licence: Licence::ALL[draw.skewed(5)],
        price_minor,
        published_ms: NOW_MS - draw.next(365 * 86_400_000) as i64,
        sales: draw.skewed(500) as i64,
        reproduced: draw.skewed(40) as i64,
        trend: draw.next(1_000_000) as i64,
        trial: draw.next(5) == 0,
        leaf_hash: format!("{:064x}", u128::from(number) * 0x1234_5678_9abc_def1),
        log_index: Some(number * 3),
        prints: (0..5)
            .map(|_| Print {
                shape: draw.next(u64::MAX) << 32 | draw.next(u64::MAX),
                colour: draw.next(u64::MAX) << 32 | draw.next(u64::MAX),
            })
            .collect(),
        pixel_digests: (0..5_u64)
            .map(|at| {
                format!(
                    "{:064x}",
                    u128::from(number) * 0x9e37_79b9_7f4a_7c15 + u128::from(at)
                )
            })
            .collect(),
    }
}

fn resident_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) / 1024
}

fn disk_mb(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let bytes: u64 = entries
        .map(|entry| {
            if entry.path().is_dir() {
                disk_mb(&entry.path()) << 20
            } else {
                entry.metadata().map_or(0, |meta| meta.len())
            }
        })
        .sum();
    bytes >> 20
}

fn build(folder: &Path, count: u64, names: &[Vec<&'static str>; 3]) -> Index {
    let start = Instant::now();
    let index = Index::create(folder).expect("an index");
    let mut from = 0;
    while from < count {
        let to = (from + 10_000).min(count);
        let changes: Vec<Change> = (from..to)
            .map(|number| Change::Put(Box::new(document(number, names))))
            .collect();
        index.apply(&changes, &to.to_string()).expect("applied");
        from = to;
    }
    println!("built in {:.1} s", start.elapsed().as_secs_f64());
    let start = Instant::now();
    index.settle().expect("joined");
    println!(
        "joined in {:.1} s, {} MB on disk",
        start.elapsed().as_secs_f64(),
        disk_mb(folder)
    );
    index
}

fn micros(times: &mut [Duration], share: usize) -> u128 {
    times.sort_unstable();
    let at = (times.len() * share / 100).min(times.len().saturating_sub(1));
    times.get(at).map_or(0, Duration::as_micros)
}

/// Asks as after a new listing, as after a sale, and again, and prints the middle and the slow ones.
fn ask(index: &Index, name: &str, names: &[Vec<&'static str>; 3], ask: &dyn Fn(&Index)) {
    const ROUNDS: u64 = 9;
    let (mut put, mut sold, mut again) = (Vec::new(), Vec::new(), Vec::new());
    let time = |times: &mut Vec<Duration>| {
        let start = Instant::now();
        ask(index);
        times.push(start.elapsed());
    };
    for round in 0..ROUNDS {
        let mut changed = document(round, names);
        changed.title = format!("{} {name} {round} {}", changed.title, index.cursor());
        index
            .apply(
                &[Change::Put(Box::new(changed.clone()))],
                &format!("{name}{round}"),
            )
            .expect("applied");
        time(&mut put);
        changed.sales += 1 + round as i64;
        index
            .apply(&[Change::Put(Box::new(changed))], "sold")
            .expect("applied");
        time(&mut sold);
        for _ in 0..40 {
            time(&mut again);
        }
    }
    println!(
        "{name:<44}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}",
        micros(&mut put, 50),
        micros(&mut put, 95),
        micros(&mut sold, 50),
        micros(&mut sold, 95),
        micros(&mut again, 50),
        micros(&mut again, 95)
    );
}

fn request(query: &str) -> Request {
    Request {
        query: Query::parse(query).expect("a query"),
        ..Request::default()
    }
}

fn questions() -> Vec<(&'static str, Request)> {
    let cheap = Filters {
        price_to_minor: Some(250),
        ..Filters::default()
    };
    let shelf = Filters {
        categories: vec![Category::Stickers],
        ..Filters::default()
    };
    let several = Filters {
        free: true,
        template: Some(true),
        licences: vec![Licence::ALL[1]],
        languages: vec![Language::English],
        ..Filters::default()
    };
    let week = Filters {
        since_ms: Some(NOW_MS - 7 * 86_400_000),
        ..Filters::default()
    };
    vec![
        ("newest", request("")),
        (
            "newest, counts",
            Request {
                facets: true,
                ..request("")
            },
        ),
        (
            "best selling, page 50",
            Request {
                sort: Sort::BestSelling,
                page: 50,
                ..request("")
            },
        ),
        (
            "shelf, counts",
            Request {
                filters: shelf.clone(),
                facets: true,
                ..request("")
            },
        ),
        (
            "shelf, price, page 500",
            Request {
                filters: shelf.clone(),
                sort: Sort::PriceUp,
                page: 500,
                ..request("")
            },
        ),
        (
            "up to 2.50, counts",
            Request {
                filters: cheap,
                facets: true,
                ..request("")
            },
        ),
        (
            "free, template, licence, English, counts",
            Request {
                filters: several.clone(),
                facets: true,
                ..request("")
            },
        ),
        (
            "a week, best selling, counts",
            Request {
                filters: week,
                sort: Sort::BestSelling,
                facets: true,
                ..request("")
            },
        ),
        (
            "quokka (rare), counts",
            Request {
                facets: true,
                ..request("quokka")
            },
        ),
        (
            "glossy (46 %), counts",
            Request {
                facets: true,
                ..request("glossy")
            },
        ),
        (
            "glossy, newest",
            Request {
                sort: Sort::Newest,
                ..request("glossy")
            },
        ),
        (
            "glossy, page 50",
            Request {
                page: 50,
                ..request("glossy")
            },
        ),
        (
            "glossy, on a shelf, counts",
            Request {
                filters: shelf,
                facets: true,
                ..request("glossy")
            },
        ),
        (
            "animal (kinds), counts",
            Request {
                facets: true,
                ..request("animal")
            },
        ),
        (
            "猫, counts",
            Request {
                facets: true,
                ..request("猫")
            },
        ),
        (
            "Katzenaufkleber, counts",
            Request {
                facets: true,
                ..request("Katzenaufkleber")
            },
        ),
        (
            "cat dog, counts",
            Request {
                facets: true,
                ..request("cat dog")
            },
        ),
        ("glossy animal sticker", request("glossy animal sticker")),
        (
            "pnada (slip), counts",
            Request {
                facets: true,
                ..request("pnada")
            },
        ),
        ("zzzzzzzz (nothing)", request("zzzzzzzz")),
        (
            "zzzzzzzz under four filters",
            Request {
                filters: several,
                ..request("zzzzzzzz")
            },
        ),
        ("ca (begun)", request("ca")),
    ]
}

fn measure(folder: &Path, count: u64) {
    let names = names();
    println!("\n{count} listings");
    let index = match Index::open(folder) {
        Ok(index) => index,
        Err(_) => build(folder, count, &names),
    };
    println!("resident after building {} MB", resident_mb());
    drop(index);
    let before = resident_mb();
    let start = Instant::now();
    let index = Index::open(folder).expect("opens");
    println!(
        "opened in {:.2} s; resident {} MB, before {before} MB",
        start.elapsed().as_secs_f64(),
        resident_mb()
    );
    println!(
        "{:<44}{:>18}{:>18}{:>18}",
        "microseconds, middle and 95 %", "after a listing", "after a sale", "again"
    );
    for (name, request) in questions() {
        ask(&index, name, &names, &|index| {
            drop(index.reader().search(&request))
        });
    }
    for (name, typed) in [
        ("suggest kat", "kat"),
        ("suggest s", "s"),
        ("suggest 猫", "猫"),
    ] {
        ask(&index, name, &names, &|index| {
            drop(index.reader().suggest(typed, Language::German, 8))
        });
    }
    ask(&index, "similar", &names, &|index| {
        drop(index.reader().similar(&id(count / 2), 12))
    });
    let print = document(count / 2, &names).prints;
    ask(&index, "by picture", &names, &|index| {
        drop(index.reader().by_picture(&print[..1], &[], 12))
    });
    let leaf = document(count / 2, &names).leaf_hash;
    ask(&index, "leaf hash", &names, &|index| {
        drop(index.reader().search(&request(&leaf)))
    });
    let (mut puts, mut numbers) = (Vec::new(), Vec::new());
    for round in 0..20_u64 {
        let changes = |sales: i64| -> Vec<Change> {
            let changed = (0..100).map(|at| (round * 131 + at * 997) % count);
            changed
                .map(|number| Document {
                    sales,
                    ..document(number, &names)
                })
                .map(|document| Change::Put(Box::new(document)))
                .collect()
        };
        let sold = changes(round as i64 + 1_000);
        let start = Instant::now();
        index.apply(&sold, "numbers").expect("applied");
        numbers.push(start.elapsed());
        let one = Document {
            title: format!("a new title {round}"),
            ..document(count / 3, &names)
        };
        let start = Instant::now();
        index
            .apply(&[Change::Put(Box::new(one))], "put")
            .expect("applied");
        puts.push(start.elapsed());
    }
    println!(
        "a batch of 100 numbers {} µs ({} µs), of one listing {} µs ({} µs)",
        micros(&mut numbers, 50),
        micros(&mut numbers, 95),
        micros(&mut puts, 50),
        micros(&mut puts, 95)
    );
    println!("resident {} MB", resident_mb());
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().expect("a folder");
    let counts: Vec<u64> = arguments
        .map(|count| count.parse().expect("a number"))
        .collect();
    let counts = if counts.is_empty() {
        vec![1_000, 100_000, 1_000_000]
    } else {
        counts
    };
    for count in counts {
        measure(&Path::new(&folder).join(count.to_string()), count);
    }
}
