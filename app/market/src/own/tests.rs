//! Whose pictures, how many, what they are compared with, and what leaves the shop, on both databases.

use super::copies::{self, Label, SheetWish};
use super::history::{self, KEPT_RUNS};
use super::service::{self, Error, OwnPicture, OwnRun};
use super::wish::{Seeds, Wish};
use super::{MAKE, OwnState, jobs, store, unlabelled};
use crate::shop::Shop as Rules;
use crate::testing::plate::{SEALED_TEXT, SEED, TEMPLATE, plate, recipe};
use crate::testing::{Bought, Shop, named, shop};
use base::db::{execute, fetch};
use base::jobs::{self as queue, Job};
use base::lang::Lang;
use base::testing::{TestDb, databases};
use base::{limits, random};
use engine::label::notice::{self, Spot, Words};
use engine::picture::Picture;
use engine::pipeline::{Pictures, Request};
use engine::sheet::{Paper, Preset};
use schema::id::{ListingId, OwnRunId, PersonId, VersionId};
use schema::recipe::Seed;
use schema::template::Values;

/// A shop with the plate, and a line of the first buyer's that is opened.
struct Owned {
    shop: Shop,
    rules: Rules,
    line: String,
}

fn person(id: &str) -> PersonId {
    PersonId::parse(id).expect("a person")
}

impl Owned {
    async fn new(test: &TestDb) -> Self {
        let shop = shop(test).await;
        plate(&shop, "plate", |listing| listing).await;
        let line = bought(test, &shop.buyers[0]).await;
        let rules = shop.rules(test);
        let owned = Self { shop, rules, line };
        let line = schema::id::LineId::parse(&owned.line).expect("a line");
        let opened = crate::library::service::open(&owned.rules, &owned.buyer(), &line).await;
        opened.expect("opened");
        owned
    }

    fn buyer(&self) -> PersonId {
        person(&self.shop.buyers[0])
    }

    async fn start(&self, wish: Wish) -> Result<OwnRunId, Error> {
        service::start(&self.rules, &self.buyer(), &self.line, wish).await
    }

    async fn pictures(&self, run: &OwnRunId) -> Vec<OwnPicture> {
        let mut tx = self.rules.db.read().await.expect("a transaction");
        let pictures = service::list_pictures(&mut tx, run).await;
        pictures.expect("pictures")
    }

    /// Makes whatever waits.
    async fn make_all(&self) {
        while let Some(job) = claim(&self.rules).await {
            let outcome = jobs::run(&self.rules, &job).await;
            let outcome = outcome.expect("an outcome");
            let now = random::real_now_ms();
            let noted = queue::finish(&self.rules.db, &job, &outcome, now).await;
            noted.expect("a note");
        }
    }

    async fn take(&self, run: &OwnRunId, index: i64, label: Label) -> Result<copies::File, Error> {
        copies::picture(&self.rules, &self.buyer(), &self.line, run, index, label).await
    }

    async fn acknowledge(&self, who: &PersonId) {
        let mut tx = self.rules.db.write().await.expect("a transaction");
        let held = service::hold(&mut tx, who, &self.line).await.expect("held");
        let said = unlabelled::acknowledge(&self.rules, &mut tx, &held, "de").await;
        said.expect("acknowledged");
        tx.commit().await.expect("a commit");
    }
}

async fn bought(test: &TestDb, buyer: &str) -> String {
    let mut tx = test.db.write().await.expect("a transaction");
    let line = Bought::by(buyer, "plate").insert(&mut tx).await;
    tx.commit().await.expect("a commit");
    line
}

async fn claim(rules: &Rules) -> Option<Job> {
    let now = random::real_now_ms();
    let job = queue::claim(&rules.db, "w", &[MAKE], now).await;
    job.expect("a claim")
}

async fn count(test: &TestDb, sql: &'static str) -> i64 {
    let mut tx = test.db.read().await.expect("a transaction");
    let row = fetch!(&mut tx, fetch_one, (i64,), sql);
    row.expect("a number").0
}

fn wish(values: &[(&str, &str)], seeds: Seeds, count: usize) -> Wish {
    let values = values
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Wish {
        values: values.collect(),
        seeds,
        count,
    }
}

fn pizza(count: usize) -> Wish {
    wish(&[("dish", "pizza")], Seeds::New, count)
}

#[tokio::test]
async fn only_who_holds_a_recipe_makes_pictures_of_it_and_its_creator_does_too() {
    for test in databases().await {
        let shop = shop(&test).await;
        let listing = plate(&shop, "plate", |listing| listing).await;
        let line = bought(&test, &shop.buyers[0]).await;
        let rules = shop.rules(&test);
        let start = async |who: &str, holding: &str| {
            service::start(&rules, &person(who), holding, pizza(1)).await
        };
        let early = start(&shop.buyers[0], &line).await;
        assert!(matches!(early, Err(Error::NotOpened)), "{}", test.name);
        let line_id = schema::id::LineId::parse(&line).expect("a line");
        crate::library::service::open(&rules, &person(&shop.buyers[0]), &line_id)
            .await
            .expect("opened");
        // A stranger learns not even that the line exists, nor does another creator of the listing.
        for (who, holding) in [
            (&shop.buyers[1], line.as_str()),
            (&shop.sellers[0], line.as_str()),
            (&shop.sellers[1], listing.as_str()),
            (&shop.buyers[0], listing.as_str()),
            (&shop.buyers[0], "01a00000-0000-7000-8000-000000000000"),
            (&shop.buyers[0], "no id"),
        ] {
            let refused = start(who, holding).await;
            assert!(matches!(refused, Err(Error::NotFound)), "{}", test.name);
        }
        let run = start(&shop.buyers[0], &line).await.expect("a run");
        start(&shop.sellers[0], listing.as_str())
            .await
            .expect("the creator's own");
        // One holding's run is not another's.
        let mut tx = test.db.read().await.expect("a transaction");
        let own = service::hold(&mut tx, &person(&shop.sellers[0]), listing.as_str()).await;
        let other = service::get_run(&mut tx, &own.expect("held"), &run).await;
        assert!(matches!(other, Err(Error::NotFound)), "{}", test.name);
    }
}

#[tokio::test]
async fn owners_keep_everything_of_what_was_withdrawn_and_nothing_of_what_went_back() {
    for test in databases().await {
        let owned = Owned::new(&test).await;
        let mut tx = test.db.write().await.expect("a transaction");
        let listing: ListingId = named("plate listing");
        let withdrawn = crate::catalog::service::withdraw(&mut tx, &listing).await;
        assert!(withdrawn.expect("withdrawn"));
        tx.commit().await.expect("a commit");
        let run = owned.start(pizza(2)).await.expect("a run");
        let first = claim(&owned.rules).await.expect("a job");
        jobs::run(&owned.rules, &first).await.expect("made");

        let mut tx = test.db.write().await.expect("a transaction");
        let sql = "update purchase_line set state = 'refunded', refunded_minor = price_minor where id = $1";
        execute!(&mut tx, sql, &owned.line).expect("given back");
        tx.commit().await.expect("a commit");
        owned.make_all().await;
        let pictures = owned.pictures(&run).await;
        assert_eq!(pictures[0].state, OwnState::Done, "{}", test.name);
        assert_eq!(pictures[1].state, OwnState::Failed, "{}", test.name);
        assert_eq!(pictures[1].error.as_deref(), Some("own-not-yours"));
        for refused in [
            owned.start(pizza(1)).await.map(drop),
            owned.take(&run, 0, Label::Shown(Lang::De)).await.map(drop),
        ] {
            assert!(matches!(refused, Err(Error::Refunded)), "{}", test.name);
        }
    }
}

#[tokio::test]
async fn what_does_not_fit_queues_nothing_and_counts_for_nothing() {
    for test in databases().await {
        let owned = Owned::new(&test).await;
        for bad in [
            wish(&[("dish", &"x".repeat(21))], Seeds::New, 1),
            wish(&[("colour", "green")], Seeds::New, 1),
            wish(&[("n", "6")], Seeds::New, 1),
            wish(&[("sauce", "red")], Seeds::New, 1),
            wish(&[], Seeds::Sealed(2), 1),
            wish(&[], Seeds::New, 17),
        ] {
            let refused = owned.start(bad.clone()).await;
            assert!(matches!(refused, Err(Error::Invalid(_))), "{bad:?}");
        }
        assert_eq!(count(&test, "select count(*) from own_run").await, 0);
        assert_eq!(count(&test, "select count(*) from job").await, 0);
        assert_eq!(count(&test, "select count(*) from rate").await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn so_many_pictures_wait_at_most_however_many_tabs_ask_at_once() {
    for test in databases().await {
        let owned = Owned::new(&test).await;
        let mut tabs = tokio::task::JoinSet::new();
        for _ in 0..5 {
            let (rules, who, line) = (owned.rules.clone(), owned.buyer(), owned.line.clone());
            tabs.spawn(async move { service::start(&rules, &who, &line, pizza(16)).await });
        }
        let answers = tabs.join_all().await;
        let through = answers.iter().filter(|answer| answer.is_ok()).count();
        assert_eq!(through, 2, "{}: {answers:?}", test.name);
        for answer in answers.iter().filter_map(|answer| answer.as_ref().err()) {
            let Error::Invalid(fields) = answer else {
                panic!("{}: {answer}", test.name);
            };
            assert_eq!(fields[0].code, "pictures-waiting");
        }
        assert_eq!(
            count(&test, "select count(*) from job where finished_ms is null").await,
            32
        );
        // One person's queue is nobody else's.
        let line = bought(&test, &owned.shop.buyers[1]).await;
        let other = person(&owned.shop.buyers[1]);
        let line_id = schema::id::LineId::parse(&line).expect("a line");
        crate::library::service::open(&owned.rules, &other, &line_id)
            .await
            .expect("opened");
        let theirs = service::start(&owned.rules, &other, &line, pizza(1)).await;
        assert!(theirs.is_ok(), "{}: {theirs:?}", test.name);
    }
}

#[tokio::test]
async fn an_hour_has_room_for_so_many_pictures() {
    for test in databases().await {
        let owned = Owned::new(&test).await;
        let mut tx = test.db.write().await.expect("a transaction");
        let who = &owned.shop.buyers[0];
        limits::allow_many(&mut tx, limits::OWN_PICTURES, who, 198)
            .await
            .expect("counted");
        tx.commit().await.expect("a commit");
        let refused = owned.start(pizza(3)).await;
        assert!(matches!(refused, Err(Error::TooMany(_))), "{}", test.name);
        owned.start(pizza(2)).await.expect("the last two");
    }
}

#[tokio::test]
async fn a_picture_with_own_values_says_so_and_tells_neither_prompt_nor_seed() {
    for test in databases().await {
        let owned = Owned::new(&test).await;
        let run = owned.start(pizza(2)).await.expect("a run");
        owned.make_all().await;
        let pictures = owned.pictures(&run).await;
        assert!(pictures.iter().all(|made| made.state == OwnState::Done));
        assert!(pictures.iter().all(|made| made.sealed().is_none()));
        let file = owned
            .take(&run, 1, Label::Shown(Lang::De))
            .await
            .expect("a file");
        assert!(file.name.ends_with("-own-2-labelled.png"), "{}", file.name);
        let text = String::from_utf8_lossy(&file.bytes);
        assert!(text.contains("own values") && text.contains("Plate"));
        assert!(text.contains("trainedAlgorithmicMedia") && text.contains("TC260:AIGC"));
        let mut tx = test.db.write().await.expect("a transaction");
        let held = service::hold(&mut tx, &owned.buyer(), &owned.line).await;
        let page = history::list(&owned.rules, &mut tx, &held.expect("held"), None).await;
        let shown = page.expect("a page").runs.remove(0);
        assert_eq!(shown.secret.values["dish"], "pizza");
        let seeds = shown.secret.seeds.iter().map(ToString::to_string);
        for secret in seeds.chain([
            TEMPLATE.into(),
            SEALED_TEXT.into(),
            SEED.into(),
            "pizza".into(),
        ]) {
            assert!(!text.contains(&secret), "{}: {secret}", test.name);
        }
        // Two seeds make two pictures.
        assert_ne!(pictures[0].blob, pictures[1].blob);
        // In the database stands neither a value nor a seed.
        let sql =
            "select secret.ciphertext from own_run join secret on secret.id = own_run.secret_id";
        let row = fetch!(&mut tx, fetch_one, (String,), sql)
            .expect("a secret")
            .0;
        assert!(!row.contains("pizza"));
    }
}

/// The sealed digests are those that the engine makes.
async fn seal_truly(test: &TestDb, rules: &Rules, wrong: bool) {
    let recipe = recipe();
    for (index, anchor) in (0i64..).zip(&recipe.anchors) {
        let request =
            Request::of_recipe(&recipe, &anchor.values, anchor.seed, &Pictures::default());
        let picture = rules
            .engines
            .make(request.expect("a request"), |_| async {})
            .await;
        let picture = picture.expect("a picture").picture;
        let mut hex = picture.digest().expect("a digest").blake3.hex();
        if wrong {
            hex = hex.chars().rev().collect();
        }
        let mut tx = test.db.write().await.expect("a transaction");
        let sql = "update anchor set pixel_blake3 = $3 where version_id = $1 and idx = $2";
        let version: VersionId = named("plate");
        execute!(&mut tx, sql, version.as_str(), index, &hex).expect("a digest");
        tx.commit().await.expect("a commit");
    }
}

#[tokio::test]
async fn values_and_seed_of_a_sealed_picture_give_it_again_and_it_may_carry_the_seal() {
    for test in databases().await {
        let owned = Owned::new(&test).await;
        seal_truly(&test, &owned.rules, false).await;
        let sealed = owned.start(wish(&[], Seeds::Sealed(1), 4)).await;
        let sealed = sealed.expect("a run");
        // The same seed with another value is not it.
        let other = wish(&[("colour", "blue")], Seeds::Sealed(0), 1);
        let other = owned.start(other).await.expect("a run");
        owned.make_all().await;
        let pictures = owned.pictures(&sealed).await;
        assert_eq!(pictures.len(), 1, "a sealed seed makes one picture");
        assert_eq!(pictures[0].sealed(), Some(1), "{}", test.name);
        let file = owned
            .take(&sealed, 0, Label::Shown(Lang::De))
            .await
            .expect("a file");
        assert!(file.name.ends_with("-sealed-2-labelled.png"));
        assert!(!String::from_utf8_lossy(&file.bytes).contains("own values"));
        let file = owned
            .take(&other, 0, Label::Shown(Lang::De))
            .await
            .expect("a file");
        assert!(file.name.ends_with("-own-1-labelled.png"), "{}", file.name);
        assert_eq!(
            count(&test, "select count(*) from run").await,
            0,
            "nothing to decide"
        );
    }
}

#[tokio::test]
async fn a_sealed_picture_that_comes_out_different_carries_no_seal_and_a_rerun_decides() {
    for test in databases().await {
        let owned = Owned::new(&test).await;
        seal_truly(&test, &owned.rules, true).await;
        let run = owned.start(wish(&[], Seeds::Sealed(0), 1)).await;
        let run = run.expect("a run");
        owned.make_all().await;
        let picture = &owned.pictures(&run).await[0];
        assert_eq!((picture.anchor, picture.is_equal), (Some(0), Some(false)));
        assert_eq!(picture.sealed(), None, "{}", test.name);
        let file = owned
            .take(&run, 0, Label::Shown(Lang::De))
            .await
            .expect("a file");
        assert!(String::from_utf8_lossy(&file.bytes).contains("not the sealed picture"));
        let asked = "select count(*) from run join job on job.unique_key = 'run:' || run.id
            where job.kind = 'library-reproduce' and run.line_id is not null";
        assert_eq!(count(&test, asked).await, 1, "{}", test.name);
    }
}

#[tokio::test]
async fn a_picture_whose_worker_died_is_made_by_the_next_one_and_only_once() {
    for test in databases().await {
        let owned = Owned::new(&test).await;
        let run = owned.start(pizza(1)).await.expect("a run");
        let died = claim(&owned.rules).await.expect("a job");
        let mut tx = test.db.write().await.expect("a transaction");
        store::set_step(&mut tx, &run, 0, 1).await.expect("a step");
        tx.commit().await.expect("a commit");
        let later = random::real_now_ms() + queue::LEASE_MS + 1;
        let next = queue::claim(&owned.rules.db, "next", &[MAKE], later).await;
        let next = next.expect("a claim").expect("the same job");
        assert_eq!(next.payload, died.payload);
        jobs::run(&owned.rules, &next).await.expect("made");
        let first = owned.pictures(&run).await;
        assert_eq!(first[0].state, OwnState::Done, "{}", test.name);
        // The first one was not dead but slow: it changes nothing.
        jobs::run(&owned.rules, &died).await.expect("over");
        assert_eq!(owned.pictures(&run).await[0].blob, first[0].blob);
    }
}

#[tokio::test]
async fn what_was_erased_fails_by_name_and_nobody_tries_for_ever() {
    for test in databases().await {
        let owned = Owned::new(&test).await;
        let run = owned.start(pizza(1)).await.expect("a run");
        let mut tx = test.db.write().await.expect("a transaction");
        let secret: VersionId = named("plate");
        let erased = owned.rules.vault.erase(&mut tx, secret.as_str()).await;
        erased.expect("erased");
        tx.commit().await.expect("a commit");
        owned.make_all().await;
        let pictures = owned.pictures(&run).await;
        assert_eq!(pictures[0].error.as_deref(), Some("own-erased"));
        let refused = owned.start(pizza(1)).await;
        let gone = matches!(refused, Err(Error::Vault(base::vault::Error::Erased(_))));
        assert!(gone, "{}: {refused:?}", test.name);
    }
}

#[tokio::test]
async fn without_a_label_a_file_leaves_only_once_somebody_said_to_label_it_and_each_is_noted() {
    for test in databases().await {
        let owned = Owned::new(&test).await;
        let run = owned.start(pizza(1)).await.expect("a run");
        let early = owned.take(&run, 0, Label::Shown(Lang::De)).await;
        assert!(matches!(early, Err(Error::NoFile)), "not made yet");
        owned.make_all().await;
        let refused = owned.take(&run, 0, Label::Left).await;
        assert!(matches!(refused, Err(Error::NotAcknowledged)));
        assert_eq!(
            count(&test, "select count(*) from unlabelled_download").await,
            0
        );
        let now = owned.rules.clock.now_ms();
        for _ in 0..2 {
            owned.acknowledge(&owned.buyer()).await;
        }
        let bare = owned.take(&run, 0, Label::Left).await.expect("a file");
        let labelled = owned
            .take(&run, 0, Label::Shown(Lang::De))
            .await
            .expect("a file");
        assert!(bare.name.ends_with("-own-1.png"), "{}", bare.name);
        let [bare, labelled] = [bare, labelled].map(|file| file.bytes);
        // Its metadata say what it is all the same.
        assert!(String::from_utf8_lossy(&bare).contains("not the sealed picture"));
        let [bare, labelled] =
            [bare, labelled].map(|bytes| Picture::from_png(&bytes).expect("a picture"));
        assert_ne!(bare, labelled);
        let mut expected = bare;
        notice::draw(&mut expected, Words::German, Spot::Corner);
        assert_eq!(expected, labelled, "{}", test.name);
        let mut tx = test.db.write().await.expect("a transaction");
        let sql = "select person_id, wording, language, what from unlabelled_download
            join acknowledgement on acknowledgement.id = unlabelled_download.acknowledgement_id";
        let noted = fetch!(&mut tx, fetch_all, (String, i64, String, String), sql);
        let expected = (
            owned.shop.buyers[0].clone(),
            unlabelled::WORDING,
            "de".to_owned(),
            format!("own-{run}-0"),
        );
        assert_eq!(noted.expect("a log"), [expected], "{}", test.name);
        // Half a year later it is known; in the second year it has to be said again, and later it is forgotten.
        unlabelled::sweep(&mut tx, now + unlabelled::KEPT_MS - 1)
            .await
            .expect("swept");
        tx.commit().await.expect("a commit");
        assert_eq!(
            count(&test, "select count(*) from unlabelled_download").await,
            1
        );
        owned
            .rules
            .clock
            .set_offset_ms(unlabelled::VALID_MS + 60_000);
        let again = owned.take(&run, 0, Label::Left).await;
        assert!(
            matches!(again, Err(Error::NotAcknowledged)),
            "{}",
            test.name
        );
        let mut tx = test.db.write().await.expect("a transaction");
        let long = now + unlabelled::VALID_MS + unlabelled::KEPT_MS + 60_000;
        unlabelled::sweep(&mut tx, long).await.expect("swept");
        tx.commit().await.expect("a commit");
        for sql in [
            "select count(*) from unlabelled_download",
            "select count(*) from acknowledgement",
        ] {
            assert_eq!(count(&test, sql).await, 0, "{}: {sql}", test.name);
        }
    }
}

#[tokio::test]
async fn a_run_that_is_given_up_leaves_nothing_and_one_that_is_being_made_neither() {
    for test in databases().await {
        let owned = Owned::new(&test).await;
        let run = owned.start(pizza(2)).await.expect("a run");
        let begun = claim(&owned.rules).await.expect("a job");
        let stranger = person(&owned.shop.buyers[1]);
        let refused = service::remove(&owned.rules, &stranger, &owned.line, &run).await;
        assert!(matches!(refused, Err(Error::NotFound)), "{}", test.name);
        service::remove(&owned.rules, &owned.buyer(), &owned.line, &run)
            .await
            .expect("removed");
        jobs::run(&owned.rules, &begun)
            .await
            .expect("nothing to do");
        assert!(
            claim(&owned.rules).await.is_none(),
            "what waited was taken back"
        );
        assert!(owned.pictures(&run).await.is_empty());
        let left = "select count(*) from own_run";
        assert_eq!(count(&test, left).await, 0);
        let opened = "select count(*) from secret where ciphertext <> '' and id not in (select secret_id from version)";
        assert_eq!(count(&test, opened).await, 0, "values and seeds are erased");
        let again = service::remove(&owned.rules, &owned.buyer(), &owned.line, &run).await;
        assert!(matches!(again, Err(Error::NotFound)), "{}", test.name);
    }
}

/// A run that was made, without a picture's file.
async fn made(owned: &Owned, number: i64, state: &'static str) -> OwnRunId {
    let mut tx = owned.rules.db.write().await.expect("a transaction");
    let run = OwnRun {
        id: random::id_of(),
        person_id: owned.shop.buyers[0].clone(),
        holding_id: owned.line.clone(),
        version_id: named("plate"),
        secret_id: random::id(),
        steps: 1,
        created_ms: number,
    };
    let secret = super::holding::OwnSecret {
        values: Values::new(),
        seeds: vec![Seed(u64::try_from(number).expect("a number"))],
    };
    let plain = serde_json::to_vec(&secret).expect("JSON");
    let put = owned
        .rules
        .vault
        .put(&mut tx, &run.secret_id, &plain, 1)
        .await;
    put.expect("a secret");
    store::insert_run(&mut tx, &run).await.expect("a run");
    store::insert_picture(&mut tx, &run.id, 0, None)
        .await
        .expect("a picture");
    let sql = "update own_picture set state = $2 where run_id = $1";
    execute!(&mut tx, sql, run.id.as_str(), state).expect("a state");
    tx.commit().await.expect("a commit");
    run.id
}

#[tokio::test]
async fn the_newest_runs_are_kept_the_oldest_make_room_and_pages_show_each_once() {
    for test in databases().await {
        let owned = Owned::new(&test).await;
        let under_way = made(&owned, 1, "waiting").await;
        let oldest = made(&owned, 2, "done").await;
        for number in 3..=KEPT_RUNS {
            made(&owned, number, "done").await;
        }
        let newest = owned.start(pizza(1)).await.expect("a run");
        let mut tx = test.db.write().await.expect("a transaction");
        let held = service::hold(&mut tx, &owned.buyer(), &owned.line).await;
        let held = held.expect("held");
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = history::list(&owned.rules, &mut tx, &held, after.as_deref()).await;
            let page = page.expect("a page");
            assert!(page.runs.len() <= 6);
            seen.extend(page.runs.into_iter().map(|shown| shown.run.id));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen.len(), KEPT_RUNS as usize, "{}", test.name);
        assert_eq!(seen[0], newest);
        assert!(!seen.contains(&oldest), "{}: it made room", test.name);
        assert!(seen.contains(&under_way), "what waits is not let go");
        // An address that somebody made up is the first page.
        for nonsense in ["x", "_", "9_", "99999999999999999999_a"] {
            let page = history::list(&owned.rules, &mut tx, &held, Some(nonsense)).await;
            assert!(page.is_ok(), "{nonsense}");
        }
    }
}

#[tokio::test]
async fn a_run_is_made_again_with_new_seeds_or_as_the_very_same() {
    for test in databases().await {
        let owned = Owned::new(&test).await;
        let first = owned.start(pizza(2)).await.expect("a run");
        let again = async |same| {
            service::again(&owned.rules, &owned.buyer(), &owned.line, &first, same).await
        };
        let same = again(true).await.expect("a run");
        let fresh = again(false).await.expect("a run");
        owned.make_all().await;
        let blobs = async |run: &OwnRunId| -> Vec<_> {
            let pictures = owned.pictures(run).await;
            pictures.into_iter().map(|made| made.blob).collect()
        };
        assert_eq!(blobs(&same).await, blobs(&first).await, "{}", test.name);
        assert_ne!(blobs(&fresh).await, blobs(&first).await, "{}", test.name);
        let stranger = person(&owned.shop.buyers[1]);
        let refused = service::again(&owned.rules, &stranger, &owned.line, &first, true).await;
        assert!(matches!(refused, Err(Error::NotFound)), "{}", test.name);
    }
}

#[tokio::test]
async fn a_print_sheet_is_of_what_was_chosen_and_bare_only_for_who_acknowledged() {
    for test in databases().await {
        let owned = Owned::new(&test).await;
        let run = owned.start(pizza(2)).await.expect("a run");
        let sheet = async |wish: SheetWish| {
            let (rules, who) = (&owned.rules, owned.buyer());
            copies::sheet(rules, &who, &owned.line, &run, wish, Lang::De).await
        };
        let wish = SheetWish {
            paper: Paper::A4,
            preset: Preset::Nails,
            page: None,
            pictures: Vec::new(),
            label: Label::Shown(Lang::De),
        };
        let early = sheet(wish.clone()).await;
        assert!(
            matches!(early, Err(Error::Invalid(_))),
            "nothing is made yet"
        );
        owned.make_all().await;
        let file = sheet(wish.clone()).await.expect("a document");
        assert!(file.name.ends_with("-nails-a4-sheet.pdf"), "{}", file.name);
        assert!(file.bytes.starts_with(b"%PDF-"));
        let text = String::from_utf8_lossy(&file.bytes);
        assert!(text.contains("nicht das versiegelte Bild") && !text.contains("pizza"));
        let page = |page, pictures: &[i64], label| SheetWish {
            page: Some(page),
            pictures: pictures.to_vec(),
            label,
            ..wish.clone()
        };
        let one = sheet(page(0, &[1], Label::Shown(Lang::De)))
            .await
            .expect("a page");
        let both = sheet(page(0, &[], Label::Shown(Lang::De)))
            .await
            .expect("a page");
        assert!(one.name.ends_with("-nails-a4-1.png"), "{}", one.name);
        assert_ne!(one.bytes, both.bytes);
        let none = sheet(page(0, &[7], Label::Shown(Lang::De))).await;
        assert!(matches!(none, Err(Error::Invalid(_))), "{}", test.name);
        let beyond = sheet(page(1, &[], Label::Shown(Lang::De))).await;
        assert!(matches!(beyond, Err(Error::NoPage)), "{}", test.name);
        let bare = sheet(page(0, &[], Label::Left)).await;
        assert!(matches!(bare, Err(Error::NotAcknowledged)), "{}", test.name);
        owned.acknowledge(&owned.buyer()).await;
        let bare = sheet(page(0, &[], Label::Left)).await.expect("a page");
        assert_ne!(bare.bytes, both.bytes);
        // What is not handed out is not noted.
        let beyond = sheet(page(9, &[], Label::Left)).await;
        assert!(matches!(beyond, Err(Error::NoPage)), "{}", test.name);
        assert_eq!(
            count(&test, "select count(*) from unlabelled_download").await,
            1
        );
    }
}

#[tokio::test]
async fn prompt_and_seed_leave_in_the_file_that_an_owner_asks_for_with_them_and_in_no_other() {
    for test in databases().await {
        let owned = Owned::new(&test).await;
        let run = owned.start(pizza(1)).await.expect("a run");
        owned.make_all().await;
        let refused = owned.take(&run, 0, Label::Settings).await;
        assert!(matches!(refused, Err(Error::NotAcknowledged)));
        owned.acknowledge(&owned.buyer()).await;
        let bare = owned.take(&run, 0, Label::Left).await.expect("a file");
        let with = owned.take(&run, 0, Label::Settings).await.expect("a file");
        assert!(with.name.ends_with("-own-1-settings.png"), "{}", with.name);
        let read = |bytes: &[u8]| {
            engine::metadata::read(bytes)
                .expect("readable")
                .expect("settings")
        };
        assert_eq!(read(&bare.bytes).seed, None, "{}", test.name);
        let found = read(&with.bytes);
        assert!(found.prompt.contains("pizza"), "{}", found.prompt);
        assert!(found.seed.is_some() && found.steps.is_some());
        let pixels = |bytes: &[u8]| Picture::from_png(bytes).expect("a picture");
        assert_eq!(pixels(&bare.bytes), pixels(&with.bytes));
        let noted = "select count(*) from unlabelled_download";
        assert_eq!(count(&test, noted).await, 2, "{}", test.name);
    }
}

#[tokio::test]
async fn files_of_own_pictures_are_kept_as_long_as_a_run_names_them() {
    for test in databases().await {
        let owned = Owned::new(&test).await;
        let run = owned.start(pizza(1)).await.expect("a run");
        owned.make_all().await;
        let blob = owned.pictures(&run).await[0].blob.clone().expect("a file");
        let media = &owned.rules.media;
        media.set_owner("here").await.expect("said");
        let sweep = async |days: i64| {
            let now = random::real_now_ms() + days * base::clock::DAY_MS;
            for _ in 0..256 {
                let swept = crate::files::sweep(&test.db, media, "here", now).await;
                swept.expect("swept");
            }
        };
        sweep(2).await;
        sweep(9).await;
        assert!(
            media.get(&blob).await.expect("a look").is_some(),
            "{}",
            test.name
        );
        service::remove(&owned.rules, &owned.buyer(), &owned.line, &run)
            .await
            .expect("removed");
        sweep(2).await;
        sweep(9).await;
        assert!(
            media.get(&blob).await.expect("a look").is_none(),
            "{}",
            test.name
        );
    }
}
