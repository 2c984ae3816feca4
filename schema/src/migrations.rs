//! The database's migrations as text; the server hands them to its migrator. Forward only; shared text first, then what
//! only one database understands (triggers, deferred keys).

/// One step. `shared` runs on both databases, before the dialect's own part.
pub struct Step {
    /// Position, from 1.
    pub version: i64,
    /// What it does, as in the file name.
    pub name: &'static str,
    /// Text for both.
    pub shared: &'static str,
    /// Text for SQLite.
    pub sqlite: &'static str,
    /// Text for PostgreSQL.
    pub postgres: &'static str,
}

macro_rules! steps {
    ($($version:literal $name:literal;)*) => {
        /// Every step, in order.
        pub const STEPS: &[Step] = &[$(Step {
            version: $version,
            name: $name,
            shared: include_str!(concat!("../migrations/", $name, ".sql")),
            sqlite: include_str!(concat!("../migrations/", $name, ".sqlite.sql")),
            postgres: include_str!(concat!("../migrations/", $name, ".postgres.sql")),
        }),*];
    };
}

steps! {
    1 "0001_people";
    2 "0002_work";
    3 "0003_log";
    4 "0004_catalog";
    5 "0005_books";
    6 "0006_sales";
    7 "0007_attesters";
    8 "0008_key_ends";
    9 "0009_likeness";
    10 "0010_fees";
    11 "0011_money";
    12 "0012_recurring";
    13 "0013_confirmation";
    14 "0014_person_language";
    17 "0017_visitors";
    18 "0018_form_claims";
    19 "0019_order_ends";
    20 "0020_sweeps";
    23 "0023_query_indexes";
    24 "0024_sandbox_balances";
    26 "0026_turns";
    27 "0027_publication";
    28 "0028_proven";
    29 "0029_tax_rate";
    30 "0030_done_jobs";
    31 "0031_current_version";
    32 "0032_file_names";
    33 "0033_find";
    34 "0034_own";
    35 "0035_storefront";
    36 "0036_studio";
    37 "0037_days";
    38 "0038_shelves";
    39 "0039_machines";
    40 "0040_starting";
    41 "0041_comparisons";
}
