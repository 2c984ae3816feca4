//! Who tries what, how often, and that nothing of the recipe gets out, on both databases.

use super::service::{self, Error, KEPT_MS, Trial, Trier};
use super::{MAKE, jobs};
use crate::own::OwnState;
use crate::shop::Shop as Rules;
use crate::testing::plate::{SEALED_TEXT, SEED, TEMPLATE, plate};
use crate::testing::{Shop, named, shop};
use base::db::{execute, fetch};
use base::jobs::{self as queue};
use base::lang::Lang;
use base::testing::{TestDb, databases};
use base::{once, random};
use engine::picture::Picture;
use schema::id::{ListingId, PersonId, TrialId};
use schema::template::Values;

const HOME: &str = "192.0.2.7";
const ELSEWHERE: &str = "198.51.100.9";

struct Open {
    shop: Shop,
    rules: Rules,
    slug: String,
    listing: ListingId,
}

impl Open {
    async fn new(test: &TestDb) -> Self {
        let shop = shop(test).await;
        let listing = plate(&shop, "plate", |listing| listing.trial()).await;
        let rules = shop.rules(test);
        let slug = listing.to_string();
        Self {
            shop,
            rules,
            slug,
            listing,
        }
    }

    fn visitor(&self, cookie: &str) -> Trier {
        Trier::visitor(&self.rules, cookie, HOME)
    }

    async fn start(&self, who: &Trier, values: &[(&str, &str)]) -> Result<TrialId, Error> {
        self.send(who, &once::new_key(), values).await
    }

    async fn send(
        &self,
        who: &Trier,
        key: &str,
        values: &[(&str, &str)],
    ) -> Result<TrialId, Error> {
        let values: Values = values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        service::start(&self.rules, &self.slug, who, key, &values, Lang::Zh).await
    }

    async fn make_all(&self) {
        loop {
            let now = random::real_now_ms();
            let job = queue::claim(&self.rules.db, "w", &[MAKE], now).await;
            let Some(job) = job.expect("a claim") else {
                return;
            };
            let outcome = jobs::run(&self.rules, &job).await;
            let outcome = outcome.expect("an outcome");
            queue::finish(&self.rules.db, &job, &outcome, now)
                .await
                .expect("a note");
        }
    }

    async fn get(&self, who: &Trier, id: &TrialId) -> Result<Trial, Error> {
        let mut tx = self.rules.db.read().await.expect("a transaction");
        service::get(&mut tx, &self.listing, who, id).await
    }
}

fn code(answer: Result<TrialId, Error>) -> String {
    match answer {
        Err(Error::Invalid(fields)) => fields[0].code.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn only_what_its_creator_opened_for_it_is_tried() {
    for test in databases().await {
        let open = Open::new(&test).await;
        let who = open.visitor("a");
        let creator = PersonId::parse(&open.shop.sellers[0]).expect("a person");
        let stranger = PersonId::parse(&open.shop.sellers[1]).expect("a person");
        let refused = service::allow(&open.rules, &stranger, &open.listing, false).await;
        assert!(matches!(refused, Err(Error::NotFound)), "{}", test.name);
        open.start(&who, &[]).await.expect("a try");
        service::allow(&open.rules, &creator, &open.listing, false)
            .await
            .expect("closed");
        let refused = open.start(&who, &[]).await;
        assert!(matches!(refused, Err(Error::NotFound)), "{}", test.name);
        service::allow(&open.rules, &creator, &open.listing, true)
            .await
            .expect("open again");
        open.start(&who, &[]).await.expect("a try");
        let mut tx = test.db.write().await.expect("a transaction");
        crate::catalog::service::withdraw(&mut tx, &open.listing)
            .await
            .expect("withdrawn");
        tx.commit().await.expect("a commit");
        let refused = open.start(&who, &[]).await;
        assert!(matches!(refused, Err(Error::Gone)), "{}", test.name);
        // What was under way then is not made any more.
        open.make_all().await;
        let mut tx = test.db.read().await.expect("a transaction");
        let tries = service::list(&mut tx, &open.listing, &who).await;
        let states: Vec<_> = tries.expect("tries").into_iter().map(|t| t.state).collect();
        assert_eq!(states, [OwnState::Failed; 2], "{}", test.name);
    }
}

#[tokio::test]
async fn a_try_takes_listed_choices_and_nothing_else() {
    for test in databases().await {
        let open = Open::new(&test).await;
        let who = open.visitor("a");
        let long = "x".repeat(100_000);
        for (values, expected) in [
            (&[("colour", "crimson")][..], "value-choice"),
            (&[("colour", &long)], "value-choice"),
            (&[("dish", "pizza")], "trial-choices"),
            (&[("n", "2")], "trial-choices"),
            (&[("sauce", "red")], "value-unknown"),
            (&[(&long, "red")], "value-unknown"),
        ] {
            assert_eq!(
                code(open.start(&who, values).await),
                expected,
                "{}",
                test.name
            );
        }
        let bad_key = open.send(&who, "no key", &[]).await;
        assert_eq!(code(bad_key), "form-key");
        let id = open
            .start(&who, &[("colour", "blue")])
            .await
            .expect("a try");
        let trial = open.get(&who, &id).await.expect("a try");
        let only = Values::from([("colour".to_owned(), "blue".to_owned())]);
        assert_eq!(trial.values(), only, "{}", test.name);
    }
}

#[tokio::test]
async fn everybody_has_three_and_a_form_that_is_sent_twice_is_one() {
    for test in databases().await {
        let open = Open::new(&test).await;
        let who = open.visitor("a");
        let key = once::new_key();
        let first = open.send(&who, &key, &[]).await.expect("a try");
        let again = open.send(&who, &key, &[]).await.expect("the same");
        assert_eq!(again, first, "{}", test.name);
        let other = open.send(&open.visitor("b"), &key, &[]).await;
        assert_eq!(code(other), "form-key", "a form is not another's");
        for _ in 0..2 {
            open.start(&who, &[]).await.expect("a try");
        }
        assert_eq!(code(open.start(&who, &[]).await), "trials-used");
        // An account has its own three, wherever it is used.
        let person = PersonId::parse(&open.shop.buyers[0]).expect("a person");
        for address in [HOME, ELSEWHERE, HOME] {
            let account = Trier::person(&person, address);
            open.start(&account, &[]).await.expect("a try");
        }
        let used = open.start(&Trier::person(&person, ELSEWHERE), &[]).await;
        assert_eq!(code(used), "trials-used", "{}", test.name);
        // Another visitor's tries are nobody else's to see.
        let strange = open.get(&open.visitor("b"), &first).await;
        assert!(matches!(strange, Err(Error::NotFound)), "{}", test.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_forms_at_once_three_go_through() {
    for test in databases().await {
        let open = Open::new(&test).await;
        let mut asked = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let (rules, who, slug) = (open.rules.clone(), open.visitor("a"), open.slug.clone());
            asked.spawn(async move {
                let key = once::new_key();
                service::start(&rules, &slug, &who, &key, &Values::new(), Lang::De).await
            });
        }
        let answers = asked.join_all().await;
        let through = answers.iter().filter(|answer| answer.is_ok()).count();
        assert_eq!(through, 3, "{}: {answers:?}", test.name);
    }
}

#[tokio::test]
async fn who_throws_cookies_away_is_stopped_by_the_block_of_their_address() {
    for test in databases().await {
        let open = Open::new(&test).await;
        let mut through = 0;
        for number in 0..20 {
            let who = open.visitor(&format!("cookie {number}"));
            match open.start(&who, &[]).await {
                Ok(_) => through += 1,
                Err(error) => assert!(matches!(error, Error::TooMany(_)), "{error}"),
            }
        }
        assert_eq!(through, 12, "{}", test.name);
        // Of other listings they could go on, while what they asked for waits.
        let mut tx = test.db.write().await.expect("a transaction");
        execute!(&mut tx, "delete from rate").expect("tomorrow");
        tx.commit().await.expect("a commit");
        let waiting = open.start(&open.visitor("one more"), &[]).await;
        assert!(
            matches!(waiting, Err(Error::Busy)),
            "{}: {waiting:?}",
            test.name
        );
        let mut tx = test.db.write().await.expect("a transaction");
        let one = "update trial set state = 'failed' where id = (select min(id) from trial)";
        execute!(&mut tx, one).expect("one is over");
        tx.commit().await.expect("a commit");
        open.start(&open.visitor("one more"), &[])
            .await
            .expect("a place");
        let far = Trier::visitor(&open.rules, "another", ELSEWHERE);
        open.start(&far, &[]).await.expect("another block");
    }
}

#[tokio::test]
async fn a_try_shows_a_small_labelled_picture_and_keeps_nothing_else() {
    for test in databases().await {
        let open = Open::new(&test).await;
        let who = open.visitor("a");
        let id = open
            .start(&who, &[("colour", "blue")])
            .await
            .expect("a try");
        open.make_all().await;
        let trial = open.get(&who, &id).await.expect("a try");
        assert_eq!(trial.state, OwnState::Done, "{}", test.name);
        let blob = trial.blob.clone().expect("a file");
        let file = open
            .rules
            .media
            .get(&blob)
            .await
            .expect("a look")
            .expect("a file");
        let picture = Picture::from_png(&file).expect("a picture");
        // 128 pixels, each shown as four.
        assert!(picture.width <= 256 && picture.height <= 256);
        // The notice's box is dark in its corner.
        let dark = |down: u32, right: u32| {
            let (x, y) = (picture.width - right, picture.height - down);
            let at = (y * picture.width + x) as usize * 3;
            picture.samples[at..at + 3]
                .iter()
                .all(|sample| *sample < 120)
        };
        assert!((4..16).any(|down| (4..16).any(|right| dark(down, right))));
        let text = String::from_utf8_lossy(&file);
        assert!(
            text.contains("trainedAlgorithmicMedia") && text.contains("not the sealed picture")
        );
        let row = format!("{trial:?}");
        for secret in [TEMPLATE, SEALED_TEXT, SEED, "azure", "small"] {
            assert!(!text.contains(secret) && !row.contains(secret), "{secret}");
        }
        // The file is the only one that was written.
        let media = test.folder.path().join("media");
        let folders = std::fs::read_dir(&media).expect("a folder");
        let files = folders
            .flatten()
            .filter_map(|entry| std::fs::read_dir(entry.path()).ok());
        assert_eq!(files.flatten().count(), 1, "{}", test.name);
        // Nothing in the database is the seed: it was never written down.
        let mut tx = test.db.read().await.expect("a transaction");
        let sql = "select count(*) from secret where id not in (select secret_id from version)";
        let kept = fetch!(&mut tx, fetch_one, (i64,), sql).expect("a number").0;
        assert_eq!(kept, 0, "{}", test.name);
    }
}

#[tokio::test]
async fn two_tries_of_one_choice_are_two_pictures() {
    for test in databases().await {
        let open = Open::new(&test).await;
        let who = open.visitor("a");
        let mut blobs = std::collections::BTreeSet::new();
        for _ in 0..2 {
            let id = open.start(&who, &[]).await.expect("a try");
            open.make_all().await;
            blobs.insert(open.get(&who, &id).await.expect("a try").blob);
        }
        assert_eq!(blobs.len(), 2, "{}: a fresh seed each", test.name);
    }
}

#[tokio::test]
async fn a_try_of_a_model_that_is_gone_is_refused_before_it_counts() {
    for test in databases().await {
        let open = Open::new(&test).await;
        let gone = crate::testing::Version::new().id("gone").model("blake3:00");
        let listing = crate::testing::Listing::of(&open.shop.sellers[0]);
        let listing = listing.id("gone listing").trial().version(gone);
        let slug = listing.save(&test.db).await.to_string();
        let who = open.visitor("a");
        let key = once::new_key();
        let refused =
            service::start(&open.rules, &slug, &who, &key, &Values::new(), Lang::De).await;
        assert!(matches!(refused, Err(Error::Busy)), "{}", test.name);
        let mut tx = test.db.read().await.expect("a transaction");
        let listing: ListingId = named("gone listing");
        assert!(
            service::list(&mut tx, &listing, &who)
                .await
                .expect("none")
                .is_empty()
        );
    }
}

#[tokio::test]
async fn a_picture_is_let_go_after_a_week_and_the_visitor_forgotten_after_ninety_days() {
    for test in databases().await {
        let open = Open::new(&test).await;
        let who = open.visitor("a");
        let id = open.start(&who, &[]).await.expect("a try");
        open.make_all().await;
        let made_ms = open.get(&who, &id).await.expect("a try").created_ms;
        let after = async |ms: i64| {
            let mut tx = test.db.write().await.expect("a transaction");
            service::sweep(&mut tx, made_ms + ms).await.expect("swept");
            tx.commit().await.expect("a commit");
            open.get(&who, &id).await
        };
        assert!(after(KEPT_MS).await.expect("a try").blob.is_some());
        assert!(after(KEPT_MS + 1).await.expect("a try").blob.is_none());
        assert!(after(90 * base::clock::DAY_MS).await.is_ok());
        let gone = after(90 * base::clock::DAY_MS + 1).await;
        assert!(matches!(gone, Err(Error::NotFound)), "{}", test.name);
    }
}
