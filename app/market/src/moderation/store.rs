//! SQL of prints, reviews and what they found.

use super::state::{Reason, ReviewState};
use crate::catalog::stretch::Stretch;
use base::db::{self, Tx, execute, fetch, statements};
use schema::id::VersionId;

/// What is known of a creator.
#[derive(Clone, Copy, Debug, sqlx::FromRow)]
pub(super) struct Standing {
    pub(super) created_ms: i64,
    /// Since when the address is known to be theirs.
    pub(super) proven_ms: Option<i64>,
    /// Since when something of theirs is on sale.
    pub(super) on_sale_ms: Option<i64>,
    /// When something of theirs was last found too like somebody else's; a review that is open is now.
    pub(super) alike_ms: Option<i64>,
}

/// A version's stored prints.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Print {
    #[sqlx(try_from = "String")]
    pub version_id: VersionId,
    pub person_id: String,
    pub text_prints: String,
    pub picture_prints: String,
    pub log_index: Option<i64>,
}

/// An earlier version that another resembles.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Match {
    #[sqlx(try_from = "String")]
    pub earlier_version_id: VersionId,
    pub text_milli: i64,
    pub picture_milli: i64,
    /// Since when the one who submitted the later one owned the earlier one.
    pub owned_ms: Option<i64>,
}

/// A review, open or decided.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Review {
    #[sqlx(try_from = "String")]
    pub version_id: VersionId,
    #[sqlx(try_from = "String")]
    pub state: ReviewState,
    pub opened_ms: i64,
    pub decided_ms: Option<i64>,
    pub reason: Option<String>,
    pub note: Option<String>,
}

/// Another listing whose public pictures look alike, as everybody may see.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Resemblance {
    pub leaf_hash: String,
    pub title: String,
    pub slug: String,
    pub handle: String,
    pub picture_milli: i64,
}

/// A report as whoever made it sees it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Reported {
    pub receipt: String,
    pub slug: String,
    pub title: String,
    pub reason: String,
    pub state: String,
    pub created_ms: i64,
}

statements! {
    INSERT_REPORT = "insert into report (id, receipt, listing_id, version_id, person_id, reason, details, state, created_ms)
        select $1, $2, listing.id, listing.version_id, $4, $5, $6, 'open', $7 from listing where listing.id = $3";
    FIND_REPORT = "select report.receipt, listing.slug, listing.title, report.reason, report.state, report.created_ms
        from report join listing on listing.id = report.listing_id where report.receipt = $1";
    INSERT_PRINT = "insert into likeness (version_id, person_id, text_prints, picture_prints) values ($1, $2, $3, $4) on conflict (version_id) do nothing";
    LIST_UNPRINTED = "select version.id from version where version.state <> 'failed'
        and version.id > $2 and version.id <= $3
        and not exists (select 1 from likeness where likeness.version_id = version.id) order by version.id limit $1";
    GET_PRINT = "select likeness.version_id, likeness.person_id, likeness.text_prints, likeness.picture_prints, sealed.log_index
        from likeness
        join version on version.id = likeness.version_id
        join log_leaf sealed on sealed.leaf_hash = version.leaf_hash
        where likeness.version_id = $1";
    /// A page of prints. `cross join` keeps SQLite to the order: prints first, in the order of the page.
    LIST_EARLIER = "select likeness.version_id, likeness.person_id, likeness.text_prints, likeness.picture_prints, sealed.log_index
        from likeness cross join version cross join log_leaf sealed
        where version.id = likeness.version_id and version.state <> 'failed' and version.id > $3 and sealed.leaf_hash = version.leaf_hash
            and likeness.person_id <> $1 and sealed.log_index < $2 and likeness.version_id > $3
        order by likeness.version_id limit $4";
    GET_STANDING = "select person.created_ms, person.proven_ms,
            (select min(listing.published_ms) from listing where listing.person_id = person.id and listing.state = 'live') as on_sale_ms,
            (select max(coalesce(review.decided_ms, 9000000000000000)) from listing
                join version on version.listing_id = listing.id
                join review on review.version_id = version.id and review.state <> 'approved'
                where listing.person_id = person.id) as alike_ms
        from person where person.id = $1";
    INSERT_PUBLICATION = "insert into publication (version_id, submitted_ms, wait_ms) values ($1, $2, $3)";
    /// In time the drawn moment stands; later the same wait begins at the decision.
    DECIDE_PUBLICATION = "update publication set refusal = $2,
            due_ms = case when submitted_ms + wait_ms >= $3 then submitted_ms + wait_ms else $3 + wait_ms end
        where version_id = $1 and settled_ms is null returning due_ms";
    SETTLE_PUBLICATION = "update publication set settled_ms = $2 where version_id = $1 and settled_ms is null returning refusal";
    LIST_DUE_PUBLICATIONS = "select version_id from publication where settled_ms is null and due_ms <= $1 order by due_ms, version_id limit $2";
    IS_WAITING = "select count(*) from publication
        join version on version.id = publication.version_id and version.state = 'certified'
        where publication.version_id = $1 and publication.settled_ms is null";
    FIND_DUE_MS = "select due_ms from publication where version_id = $1 and settled_ms is null";
    INSERT_REVIEW = "insert into review (version_id, state, opened_ms) values ($1, 'open', $2) on conflict (version_id) do nothing";
    INSERT_MATCH = "insert into review_match (version_id, earlier_version_id, text_milli, picture_milli, owned_ms) values ($1, $2, $3, $4, $5)
        on conflict (version_id, earlier_version_id) do nothing";
    FIND_REVIEW = "select version_id, state, opened_ms, decided_ms, reason, note from review where version_id = $1";
    LIST_OPEN = "select version_id, state, opened_ms, decided_ms, reason, note from review where state = 'open' order by opened_ms, version_id limit 100";
    COUNT_OPEN = "select count(*) from review where state = 'open'";
    LIST_DECIDED = "select version_id, state, opened_ms, decided_ms, reason, note from review where state <> 'open'
        order by decided_ms desc, version_id limit 20";
    LIST_MATCHES = "select earlier_version_id, text_milli, picture_milli, owned_ms from review_match
        where version_id = $1 order by case when text_milli > picture_milli then text_milli else picture_milli end desc, earlier_version_id";
    DECIDE = "update review set state = $2, decided_ms = $3, decided_by = $4, reason = $5, note = $6 where version_id = $1 and state = 'open'";
    LIST_RESEMBLANCES = "select other.leaf_hash, listing.title, listing.slug, person.handle, pair.picture_milli
        from (select review_match.version_id, review_match.picture_milli, review_match.earlier_version_id as other_id
                from version this join review_match on review_match.version_id = this.id where this.leaf_hash = $1
            union all
            select review_match.version_id, review_match.picture_milli, review_match.version_id as other_id
                from version this join review_match on review_match.earlier_version_id = this.id where this.leaf_hash = $1) pair
        join review on review.version_id = pair.version_id and review.state = 'approved'
        join version other on other.id = pair.other_id and other.state = 'live'
        join listing on listing.id = other.listing_id and listing.state = 'live'
        join person on person.id = listing.person_id
        where pair.picture_milli >= $2
        order by pair.picture_milli desc, other.id limit 10";
}

pub(super) async fn insert_print(
    tx: &mut Tx,
    version: &VersionId,
    person: &str,
    text: &str,
    pictures: &str,
) -> db::Result<()> {
    execute!(tx, INSERT_PRINT, version.as_str(), person, text, pictures).map(|_| ())
}

pub(super) async fn list_unprinted(
    tx: &mut Tx,
    limit: i64,
    stretch: &Stretch,
) -> db::Result<Vec<VersionId>> {
    let rows = fetch!(
        tx,
        fetch_all,
        (String,),
        LIST_UNPRINTED,
        limit,
        &stretch.after,
        &stretch.until
    )?;
    db::read_ids(rows)
}

pub(super) async fn get_print(tx: &mut Tx, version: &VersionId) -> db::Result<Print> {
    fetch!(tx, fetch_one, Print, GET_PRINT, version.as_str())
}

pub(super) async fn list_earlier(
    tx: &mut Tx,
    person: &str,
    before_index: i64,
    after_version: &str,
    limit: i64,
) -> db::Result<Vec<Print>> {
    fetch!(
        tx,
        fetch_all,
        Print,
        LIST_EARLIER,
        person,
        before_index,
        after_version,
        limit
    )
}

pub(super) async fn insert_review(tx: &mut Tx, version: &VersionId, now_ms: i64) -> db::Result<()> {
    execute!(tx, INSERT_REVIEW, version.as_str(), now_ms).map(|_| ())
}

pub(super) async fn insert_match(
    tx: &mut Tx,
    version: &VersionId,
    found: &Match,
) -> db::Result<()> {
    execute!(
        tx,
        INSERT_MATCH,
        version.as_str(),
        found.earlier_version_id.as_str(),
        found.text_milli,
        found.picture_milli,
        found.owned_ms
    )
    .map(|_| ())
}

pub(super) async fn find_review(tx: &mut Tx, version: &VersionId) -> db::Result<Option<Review>> {
    fetch!(tx, fetch_optional, Review, FIND_REVIEW, version.as_str())
}

pub(super) async fn list_open(tx: &mut Tx) -> db::Result<Vec<Review>> {
    fetch!(tx, fetch_all, Review, LIST_OPEN)
}

pub(super) async fn count_open(tx: &mut Tx) -> db::Result<i64> {
    fetch!(tx, fetch_one, (i64,), COUNT_OPEN).map(|row| row.0)
}

pub(super) async fn list_decided(tx: &mut Tx) -> db::Result<Vec<Review>> {
    fetch!(tx, fetch_all, Review, LIST_DECIDED)
}

pub(super) async fn list_matches(tx: &mut Tx, version: &VersionId) -> db::Result<Vec<Match>> {
    fetch!(tx, fetch_all, Match, LIST_MATCHES, version.as_str())
}

pub(super) async fn decide(
    tx: &mut Tx,
    version: &VersionId,
    state: ReviewState,
    now_ms: i64,
    by: &str,
    reason: Option<&str>,
    note: &str,
) -> db::Result<bool> {
    if !ReviewState::Open.may_become(state) {
        return Err(db::Error::impossible(format!(
            "the review of {version} to {}",
            state.name()
        )));
    }
    let state = state.name();
    execute!(
        tx,
        DECIDE,
        version.as_str(),
        state,
        now_ms,
        by,
        reason,
        note
    )
    .map(|rows| rows == 1)
}

pub(super) async fn list_resemblances(
    tx: &mut Tx,
    leaf_hash: &str,
    least_milli: i64,
) -> db::Result<Vec<Resemblance>> {
    fetch!(
        tx,
        fetch_all,
        Resemblance,
        LIST_RESEMBLANCES,
        leaf_hash,
        least_milli
    )
}

pub(super) async fn get_standing(tx: &mut Tx, person: &str) -> db::Result<Standing> {
    fetch!(tx, fetch_one, Standing, GET_STANDING, person)
}

pub(super) async fn insert_publication(
    tx: &mut Tx,
    version: &VersionId,
    submitted_ms: i64,
    wait_ms: i64,
) -> db::Result<()> {
    execute!(
        tx,
        INSERT_PUBLICATION,
        version.as_str(),
        submitted_ms,
        wait_ms
    )
    .map(|_| ())
}

pub(super) async fn decide_publication(
    tx: &mut Tx,
    version: &VersionId,
    refusal: Option<&str>,
    now_ms: i64,
) -> db::Result<Option<i64>> {
    let row = fetch!(
        tx,
        fetch_optional,
        (i64,),
        DECIDE_PUBLICATION,
        version.as_str(),
        refusal,
        now_ms
    )?;
    Ok(row.map(|row| row.0))
}

/// The refusal, if any, of a publication that was not settled before; `None` for one that was.
pub(super) async fn settle_publication(
    tx: &mut Tx,
    version: &VersionId,
    now_ms: i64,
) -> db::Result<Option<Option<String>>> {
    let row = fetch!(
        tx,
        fetch_optional,
        (Option<String>,),
        SETTLE_PUBLICATION,
        version.as_str(),
        now_ms
    )?;
    Ok(row.map(|row| row.0))
}

pub(super) async fn list_due_publications(
    tx: &mut Tx,
    now_ms: i64,
    limit: i64,
) -> db::Result<Vec<VersionId>> {
    let rows = fetch!(
        tx,
        fetch_all,
        (String,),
        LIST_DUE_PUBLICATIONS,
        now_ms,
        limit
    )?;
    db::read_ids(rows)
}

pub(super) async fn is_waiting(tx: &mut Tx, version: &VersionId) -> db::Result<bool> {
    fetch!(tx, fetch_one, (i64,), IS_WAITING, version.as_str()).map(|row| row.0 > 0)
}

pub(super) async fn find_due_ms(tx: &mut Tx, version: &VersionId) -> db::Result<Option<i64>> {
    let row = fetch!(
        tx,
        fetch_optional,
        (Option<i64>,),
        FIND_DUE_MS,
        version.as_str()
    )?;
    Ok(row.and_then(|row| row.0))
}

#[allow(clippy::too_many_arguments, reason = "the columns of a row")]
pub(super) async fn insert_report(
    tx: &mut Tx,
    id: &str,
    receipt: &str,
    listing: &schema::id::ListingId,
    person: Option<&str>,
    reason: Reason,
    details: &str,
    now_ms: i64,
) -> db::Result<()> {
    execute!(
        tx,
        INSERT_REPORT,
        id,
        receipt,
        listing.as_str(),
        person,
        reason.name(),
        details,
        now_ms
    )
    .map(|_| ())
}

pub(super) async fn find_report(tx: &mut Tx, receipt: &str) -> db::Result<Option<Reported>> {
    fetch!(tx, fetch_optional, Reported, FIND_REPORT, receipt)
}
