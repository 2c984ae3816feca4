//! What waits for a model that nobody holds, what cannot be bought then, and what stops when somebody takes it back, on both databases.

use super::pace::{self, Pace};
use super::{AWAY_MS, Here, Stands, find_absent, list_missing, list_models};
use crate::catalog::VersionState;
use crate::catalog::versions::get_version;
use crate::checkout::service::cart;
use crate::library::RunState;
use crate::library::service as library;
use crate::own::service as own;
use crate::own::wish::{Seeds as OwnSeeds, Wish};
use crate::own::{self as own_pictures, OwnState};
use crate::shop::Shop as Rules;
use crate::stranded;
use crate::studio::queue::{self, Seeds};
use crate::studio::service as studio;
use crate::studio::{self as pictures, PictureState};
use crate::testing::plate::plate;
use crate::testing::{Bought, Listing, Shop, Version, named, shop};
use crate::trials::service as trials;
use base::db::{execute, fetch};
use base::jobs::turns::{self, Class, PICTURE_KINDS, PictureJob};
use base::jobs::workers::{self, Worker};
use base::jobs::{self, Takes};
use base::lang::Lang;
use base::testing::{TestDb, databases};
use base::{once, random};
use schema::id::{DraftId, LineId, PersonId, PictureId, VersionId};
use schema::template::Values;
use std::time::Duration;
use tokio::sync::watch;

fn person(id: &str) -> PersonId {
    PersonId::parse(id).expect("a person")
}

fn worker(model: &str) -> Worker {
    Worker {
        id: "far".into(),
        engines: 1,
        models: vec![(model.to_owned(), "Far 1.0".into())],
    }
}

async fn beat(test: &TestDb, model: &str) -> Worker {
    let worker = worker(model);
    workers::beat(&test.db, &worker, random::real_now_ms())
        .await
        .expect("a beat");
    worker
}

#[tokio::test]
async fn what_needs_a_model_that_nobody_holds_is_not_sold_until_it_is_back() {
    for test in databases().await {
        let mut shop = shop(&test).await;
        let (model, here) = ("blake3:far", Here::default());
        for (name, price) in [("far", 1000), ("free", 0)] {
            let version = Version::new().id(name).model(model);
            let listing = Listing::of(&shop.sellers[0]).id(name).price(price);
            let listing = listing.version(version).save(&test.db).await;
            shop.listings.push(listing);
        }
        let take = async || {
            let mut tx = money::books::begin(&test.db).await.expect("a transaction");
            let slug = shop.listings[5].to_string();
            let taken = cart::take_free(&shop.till, &mut tx, &shop.buyers[1], &slug, 5).await;
            tx.commit().await.expect("a commit");
            taken
        };
        let away = |error: &money::Error| matches!(error, money::Error::Refused("cart-model-away"));
        let refused = shop.order(0, &[0, 4]).await.expect_err("nobody has it");
        assert!(away(&refused), "{}: {refused}", test.name);
        let refused = take().await.expect_err("nobody has it");
        assert!(away(&refused), "{}: {refused}", test.name);

        let far = beat(&test, model).await;
        let mut tx = test.db.read().await.expect("a transaction");
        assert_eq!(
            find_absent(&mut tx, &here, model).await.expect("an answer"),
            None
        );
        assert!(
            list_missing(&mut tx, &here)
                .await
                .expect("names")
                .is_empty()
        );
        drop(tx);
        take().await.expect("it is here");
        shop.order(0, &[4]).await.expect("an order");

        workers::leave(&test.db, &far).await.expect("gone");
        let refused = shop.order(2, &[4]).await.expect_err("gone again");
        assert!(away(&refused), "{}: {refused}", test.name);
        let mut tx = test.db.read().await.expect("a transaction");
        let missing = list_missing(&mut tx, &here).await.expect("names");
        assert_eq!(missing, ["Far 1.0"], "{}", test.name);
        let lines = list_models(&mut tx).await.expect("models");
        let line = lines.iter().find(|line| line.known.digest == model);
        let line = line.expect("it is known");
        assert!(line.is_missing(), "{}: {line:?}", test.name);
        assert_eq!(line.listings, 2, "{}", test.name);
        // A process that has it itself sells it, however late it is heard.
        let own = Here::new([model.to_owned()]);
        assert!(list_missing(&mut tx, &own).await.expect("names").is_empty());
    }
}

/// A shop whose model only another machine has, and somebody who owns a plate of it.
struct Far {
    shop: Shop,
    rules: Rules,
    model: String,
    line: LineId,
}

impl Far {
    async fn new(test: &TestDb) -> Self {
        let shop = shop(test).await;
        plate(&shop, "plate", |listing| listing.trial()).await;
        let mut rules = shop.rules(test);
        let model = rules.engines.models().usual().digest.to_string();
        rules.here = Here::default();
        let sql = "update version set model = $1 where id = $2";
        let mut tx = test.db.write().await.expect("a transaction");
        execute!(&mut tx, sql, &model, named::<VersionId>("plate").as_str()).expect("a model");
        let line = Bought::by(&shop.buyers[0], "plate").insert(&mut tx).await;
        tx.commit().await.expect("a commit");
        let line = LineId::parse(&line).expect("a line");
        library::open(&rules, &person(&shop.buyers[0]), &line)
            .await
            .expect("opened");
        Self {
            shop,
            rules,
            model,
            line,
        }
    }

    fn buyer(&self) -> PersonId {
        person(&self.shop.buyers[0])
    }

    fn creator(&self) -> PersonId {
        person(&self.shop.sellers[0])
    }

    async fn own(&self, count: usize) -> schema::id::OwnRunId {
        let wish = Wish {
            values: Values::new(),
            seeds: OwnSeeds::New,
            count,
        };
        let run = own::start(&self.rules, &self.buyer(), self.line.as_str(), wish).await;
        run.expect("a run")
    }

    async fn picture(&self, draft: &DraftId, steps: u32) -> PictureId {
        let sql = "select id from picture order by created_ms desc, id desc limit 1";
        self.draft_with(draft, steps).await;
        let values = Values::from([("colour".into(), "red".into())]);
        queue::generate(&self.rules, &self.creator(), draft, values, Seeds::Drawn, 1)
            .await
            .expect("asked for");
        let mut tx = self.rules.db.read().await.expect("a transaction");
        let id = fetch!(&mut tx, fetch_one, (String,), sql)
            .expect("a picture")
            .0;
        PictureId::parse(&id).expect("an id")
    }

    async fn draft_with(&self, draft: &DraftId, steps: u32) {
        let form = studio::DraftForm {
            title: "Apples".into(),
            description: String::new(),
            category: "stickers".into(),
            price: "3".into(),
            licence: "standard-1".into(),
            tags: String::new(),
            trial: false,
            content: studio::Content {
                steps,
                ..studio::Content::sample(&self.rules)
            },
            shown_model: None,
            seen_ms: None,
            strength_milli: None,
            distance_milli: None,
        };
        studio::save_draft(&self.rules, &self.creator(), draft, form)
            .await
            .expect("saved");
    }

    async fn draft(&self) -> DraftId {
        let draft = studio::create_draft(&self.rules, &self.creator(), "Apples").await;
        draft.expect("a draft")
    }

    async fn stands(&self, picture: &PictureId) -> Option<Stands> {
        let mut tx = self.rules.db.read().await.expect("a transaction");
        let stands = queue::stands(&self.rules, &mut tx, picture).await;
        stands.expect("an answer")
    }

    /// A version on its way, whose certification is queued.
    async fn certified(&self) -> VersionId {
        let version = Version::new().id("new").state("logging").model(&self.model);
        let listing = Listing::of(&self.shop.sellers[0]).state("certifying");
        listing.version(version).save(&self.rules.db).await;
        let id: VersionId = named("new");
        let job = PictureJob {
            kind: pictures::CERTIFY,
            unique_key: &format!("certify:{id}"),
            payload: id.as_str(),
            class: Class::Owed,
            share: None,
            cost_ms: 1,
            model: &self.model,
        };
        let mut tx = self.rules.db.write().await.expect("a transaction");
        turns::enqueue(&mut tx, &job).await.expect("a job");
        tx.commit().await.expect("a commit");
        id
    }
}

#[tokio::test]
async fn what_waits_for_an_absent_model_says_so_and_ends_by_name_after_three_days() {
    for test in databases().await {
        let far = Far::new(&test).await;
        let there = beat(&test, &far.model).await;
        let run = library::start_run(&far.rules, &far.buyer(), &far.line).await;
        let (run, own_run) = (run.expect("a run"), far.own(2).await);
        let draft = far.draft().await;
        let picture = far.picture(&draft, 1).await;
        let visitor = trials::Trier::visitor(&far.rules, "cookie", "192.0.2.7");
        let slug = named::<schema::id::ListingId>("plate listing").to_string();
        let key = once::new_key();
        let values = Values::new();
        let trial = trials::start(&far.rules, &slug, &visitor, &key, &values, Lang::De).await;
        let trial = trial.expect("a try");
        let version = far.certified().await;
        assert_eq!(
            far.stands(&picture).await,
            Some(Stands::Waits { about_s: None })
        );

        workers::leave(&test.db, &there).await.expect("gone");
        let away = Some(Stands::Away {
            model: "Far 1.0".into(),
        });
        let mut tx = test.db.read().await.expect("a transaction");
        let rules = &far.rules;
        let own_made = own::list_pictures(&mut tx, &own_run)
            .await
            .expect("pictures");
        for stands in [
            queue::stands(rules, &mut tx, &picture).await,
            queue::certifies(rules, &mut tx, &version).await,
            library::stands(rules, &mut tx, &run).await,
            own::stands(rules, &mut tx, &own_run, &own_made).await,
            trials::stands(rules, &mut tx, &trial).await,
        ] {
            assert_eq!(stands.expect("an answer"), away, "{}", test.name);
        }
        drop(tx);
        let now = random::real_now_ms() + 1;
        let idle = jobs::claim_of(&test.db, "w", &PICTURE_KINDS, &["other".into()], now).await;
        assert!(idle.expect("an answer").is_none(), "{}", test.name);
        // Whoever takes one all the same, because it cannot know better, hands it on.
        let other = Here::new(["other".to_owned()]);
        assert!(!other.holds(&far.model));

        let early = stranded::give_up(rules, AWAY_MS, now + AWAY_MS - 60_000).await;
        assert_eq!(early.expect("an answer"), 0, "{}", test.name);
        let late = now + AWAY_MS + 60_000;
        let ended = stranded::give_up(rules, AWAY_MS, late).await;
        assert_eq!(ended.expect("an answer"), 6, "{}", test.name);
        let again = stranded::give_up(rules, AWAY_MS, late).await;
        assert_eq!(again.expect("an answer"), 0, "{}: once", test.name);

        let mut tx = test.db.read().await.expect("a transaction");
        let row = studio::get_picture(&mut tx, &far.creator(), &picture).await;
        let row = row.expect("a picture");
        assert_eq!(row.state, PictureState::Failed, "{}", test.name);
        assert_eq!(row.error.as_deref(), Some("picture-model-away"));
        for made in own::list_pictures(&mut tx, &own_run)
            .await
            .expect("pictures")
        {
            assert_eq!(made.state, OwnState::Failed, "{}", test.name);
            assert_eq!(made.error.as_deref(), Some("own-model-gone-line"));
        }
        let listing = named("plate listing");
        let tried = trials::get(&mut tx, &listing, &visitor, &trial).await;
        let tried = tried.expect("a try");
        assert_eq!(tried.error.as_deref(), Some("trial-model-away"));
        let version = get_version(&mut tx, &version).await.expect("a version");
        assert_eq!(version.state, VersionState::Failed, "{}", test.name);
        assert_eq!(version.error.as_deref(), Some("certify-model-away"));
        // No verdict, no statement, and the line is owned as before.
        let run = library::get_run(&mut tx, &far.buyer(), &run).await;
        let run = run.expect("a run");
        assert_eq!(run.state, RunState::Failed, "{}", test.name);
        assert_eq!((run.outcome, run.statement), (None, None), "{}", test.name);
        assert_eq!(run.error.as_deref(), Some("run-model-away"));
        let line = library::get_line(&mut tx, &far.buyer(), &far.line).await;
        assert_eq!(
            line.expect("it is owned").refunded_minor,
            0,
            "{}",
            test.name
        );
        let open = "select count(*) from job where finished_ms is null and queue = 'pictures'";
        assert_eq!(
            fetch!(&mut tx, fetch_one, (i64,), open)
                .expect("a number")
                .0,
            0
        );
    }
}

#[tokio::test]
async fn a_job_from_before_models_were_noted_goes_on_to_whoever_has_its_model() {
    for test in databases().await {
        let mut far = Far::new(&test).await;
        let gone = format!("blake3:{}", "0".repeat(64));
        let run = library::start_run(&far.rules, &far.buyer(), &far.line).await;
        let run = run.expect("a run");
        far.rules.here = far.rules.engines.here();
        let mut tx = test.db.write().await.expect("a transaction");
        execute!(&mut tx, "update job set model = ''").expect("an old job");
        let sql = "update version set model = $1 where id = $2";
        execute!(&mut tx, sql, &gone, named::<VersionId>("plate").as_str()).expect("a model");
        tx.commit().await.expect("a commit");
        let (now, models) = (random::real_now_ms() + 1, far.rules.here.models());
        let claim = async || {
            let job = jobs::claim_of(&test.db, "w", &PICTURE_KINDS, &models, now).await;
            job.expect("an answer")
        };
        let job = claim().await.expect("any machine takes it");
        let outcome = crate::library::jobs::run(&far.rules, &job).await;
        let outcome = outcome.expect("an outcome");
        assert!(matches!(&outcome, jobs::Outcome::Elsewhere(model) if *model == gone));
        jobs::finish(&test.db, &job, &outcome, now)
            .await
            .expect("noted");
        assert!(claim().await.is_none(), "{}: not here", test.name);
        let mut tx = test.db.read().await.expect("a transaction");
        let stands = library::stands(&far.rules, &mut tx, &run).await;
        let stands = stands.expect("an answer");
        assert!(matches!(stands, Some(Stands::Away { .. })), "{stands:?}");
    }
}

#[tokio::test]
async fn a_picture_is_taken_back_while_it_is_made_twice_and_at_once_and_by_nobody_else() {
    for test in databases().await {
        let far = Far::new(&test).await;
        let draft = far.draft().await;
        let picture = far.picture(&draft, 1).await;
        let models = [far.model.clone()];
        let claim = async || {
            let now = random::real_now_ms() + 1;
            let job = jobs::claim_of(&test.db, "w", &PICTURE_KINDS, &models, now).await;
            job.expect("an answer").expect("a job")
        };
        let begun = claim().await;
        assert!(matches!(
            far.stands(&picture).await,
            Some(Stands::Made { .. })
        ));
        // "All waiting ones" is not what is being made.
        let waiting = queue::cancel_waiting(&far.rules, &far.creator(), &draft).await;
        assert_eq!(waiting.expect("a number"), 0, "{}", test.name);
        let stranger = person(&far.shop.sellers[1]);
        let refused = queue::cancel(&far.rules, &stranger, &picture).await;
        assert!(matches!(refused, Err(studio::Error::NotFound)));
        assert!(jobs::is_held(&test.db, &begun).await.expect("an answer"));
        let creator = far.creator();
        let (one, other) = tokio::join!(
            queue::cancel(&far.rules, &creator, &picture),
            queue::cancel(&far.rules, &creator, &picture),
        );
        assert!(
            one.is_ok() || other.is_ok(),
            "{}: {one:?} {other:?}",
            test.name
        );
        let again = queue::cancel(&far.rules, &far.creator(), &picture).await;
        assert!(matches!(again, Err(studio::Error::NotFound)));
        assert!(!jobs::is_held(&test.db, &begun).await.expect("an answer"));
        // Its worker finds nothing to make.
        let late = pictures::jobs::run(&far.rules, &begun).await;
        assert!(matches!(late, Ok(jobs::Outcome::Done)), "{}", test.name);
        let mut tx = test.db.read().await.expect("a transaction");
        let left = fetch!(&mut tx, fetch_one, (i64,), "select count(*) from picture");
        assert_eq!(left.expect("a number").0, 0, "{}", test.name);
        drop(tx);

        // One that is done stays, whoever is late.
        let picture = far.picture(&draft, 1).await;
        let job = claim().await;
        let made = pictures::jobs::run(&far.rules, &job).await;
        let now = random::real_now_ms();
        jobs::finish(&test.db, &job, &made.expect("made"), now)
            .await
            .expect("noted");
        queue::cancel(&far.rules, &far.creator(), &picture)
            .await
            .expect("nothing to do");
        let mut tx = test.db.read().await.expect("a transaction");
        let row = studio::get_picture(&mut tx, &far.creator(), &picture).await;
        assert_eq!(
            row.expect("a picture").state,
            PictureState::Done,
            "{}",
            test.name
        );
        drop(tx);
        // A draft that is given up takes what is being made with it.
        far.picture(&draft, 1).await;
        let job = claim().await;
        queue::delete_draft(&far.rules, &far.creator(), &draft)
            .await
            .expect("gone");
        assert!(!jobs::is_held(&test.db, &job).await.expect("an answer"));
    }
}

#[tokio::test]
async fn an_owner_stops_what_is_not_made_of_a_run_and_keeps_what_is() {
    for test in databases().await {
        let far = Far::new(&test).await;
        let run = far.own(3).await;
        let (now, models) = (random::real_now_ms() + 1, [far.model.clone()]);
        let claim = async || {
            let job = jobs::claim_of(&test.db, "w", &PICTURE_KINDS, &models, now).await;
            job.expect("an answer")
        };
        let first = claim().await.expect("a job");
        let made = own_pictures::jobs::run(&far.rules, &first)
            .await
            .expect("made");
        jobs::finish(&test.db, &first, &made, now)
            .await
            .expect("noted");
        let begun = claim().await.expect("a job");
        let stop = async |who: &PersonId| own::stop(&far.rules, who, far.line.as_str(), &run).await;
        let refused = stop(&person(&far.shop.buyers[1])).await;
        assert!(
            matches!(refused, Err(own::Error::NotFound)),
            "{}",
            test.name
        );
        let buyer = far.buyer();
        let (one, other) = tokio::join!(stop(&buyer), stop(&buyer));
        let stopped = one.expect("stopped") + other.expect("stopped");
        assert_eq!(stopped, 2, "{}: each once", test.name);
        assert_eq!(stop(&buyer).await.expect("nothing to do"), 0);
        assert!(!jobs::is_held(&test.db, &begun).await.expect("an answer"));
        assert!(claim().await.is_none(), "{}", test.name);
        let late = own_pictures::jobs::run(&far.rules, &begun).await;
        assert!(matches!(late, Ok(jobs::Outcome::Done)), "{}", test.name);
        let mut tx = test.db.read().await.expect("a transaction");
        let pictures = own::list_pictures(&mut tx, &run).await.expect("pictures");
        let told: Vec<_> = pictures.iter().map(|made| made.error.as_deref()).collect();
        assert_eq!(told, [None, Some("own-stopped"), Some("own-stopped")]);
        assert_eq!(pictures[0].state, OwnState::Done, "{}", test.name);
    }
}

#[tokio::test]
async fn a_try_that_is_given_up_is_not_made_and_counts_for_nothing() {
    for test in databases().await {
        let far = Far::new(&test).await;
        beat(&test, &far.model).await;
        let listing: schema::id::ListingId = named("plate listing");
        let visitor = |cookie: &str| trials::Trier::visitor(&far.rules, cookie, "192.0.2.7");
        let (mine, values) = (visitor("mine"), Values::new());
        let start = async || {
            let key = once::new_key();
            let slug = listing.to_string();
            trials::start(&far.rules, &slug, &mine, &key, &values, Lang::En).await
        };
        let id = start().await.expect("a try");
        let (now, models) = (random::real_now_ms() + 1, [far.model.clone()]);
        let job = jobs::claim_of(&test.db, "w", &PICTURE_KINDS, &models, now).await;
        let job = job.expect("an answer").expect("a job");
        let another = visitor("another");
        let give_up = async |who| trials::give_up(&far.rules, &listing, who, &id).await;
        let refused = give_up(&another).await;
        assert!(
            matches!(refused, Err(trials::Error::NotFound)),
            "{}",
            test.name
        );
        for _ in 0..2 {
            give_up(&mine).await.expect("given up");
        }
        assert!(!jobs::is_held(&test.db, &job).await.expect("an answer"));
        let mut tx = test.db.read().await.expect("a transaction");
        let trial = trials::get(&mut tx, &listing, &mine, &id)
            .await
            .expect("a try");
        assert_eq!(trial.state, OwnState::Failed, "{}", test.name);
        assert_eq!(trial.error.as_deref(), Some("trial-given-up"));
        drop(tx);
        for _ in 0..3 {
            start().await.expect("three are left");
        }
    }
}

async fn until<T>(mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let looked = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let found = tokio::time::timeout(Duration::from_secs(60), looked).await;
    found.expect("it did not come")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_stops_between_two_steps_for_who_takes_it_back_and_for_a_process_that_stops() {
    for test in databases().await {
        let far = Far::new(&test).await;
        let (draft, models) = (far.draft().await, far.rules.engines.here().models());
        let start = |stop: watch::Receiver<bool>| {
            let rules = far.rules.clone();
            tokio::spawn(jobs::work(
                test.db.clone(),
                test.db.bells().jobs.clone(),
                &PICTURE_KINDS,
                Takes::Of(models.clone()),
                stop,
                move |job| {
                    let rules = rules.clone();
                    async move {
                        let made = pictures::jobs::run(&rules, &job).await;
                        made.unwrap_or_else(|error| jobs::Outcome::Failed(error.to_string()))
                    }
                },
            ))
        };
        let (sender, stop) = watch::channel(false);
        let works = start(stop);
        // Measured, so that the next one's time is known.
        let quick = far.picture(&draft, 2).await;
        until(async || far.stands(&quick).await.is_none().then_some(())).await;
        let size = (128, 128);
        let mut tx = test.db.read().await.expect("a transaction");
        let known = pace::find(&mut tx, &far.model, size)
            .await
            .expect("an answer");
        assert!(
            known.is_some_and(|pace: Pace| pace.step_us > 0),
            "{}",
            test.name
        );
        drop(tx);

        let long = far.picture(&draft, 50).await;
        let left = until(async || match far.stands(&long).await {
            Some(Stands::Made { left_s }) => left_s,
            _ => None,
        });
        assert!(left.await > 0, "{}", test.name);
        queue::cancel(&far.rules, &far.creator(), &long)
            .await
            .expect("taken back");
        let next = far.picture(&draft, 1).await;
        until(async || far.stands(&next).await.is_none().then_some(())).await;

        // Stopped, it gives back what it makes: nothing failed, and the next process makes it.
        let given = far.picture(&draft, 50).await;
        until(async || match far.stands(&given).await {
            Some(Stands::Made { .. }) => Some(()),
            _ => None,
        })
        .await;
        sender.send_replace(true);
        works.await.expect("it ended");
        let mut tx = test.db.read().await.expect("a transaction");
        let sql = "select state, attempts, last_error from job where payload = $1";
        let row = fetch!(
            &mut tx,
            fetch_one,
            (String, i64, Option<String>),
            sql,
            given.as_str()
        );
        let row = row.expect("a job");
        if row.0 != "done" {
            assert_eq!(row, ("waiting".into(), 0, None), "{}", test.name);
        }
        drop(tx);
        let (sender, stop) = watch::channel(false);
        let works = start(stop);
        until(async || far.stands(&given).await.is_none().then_some(())).await;
        sender.send_replace(true);
        works.await.expect("it ended");
        let mut tx = test.db.read().await.expect("a transaction");
        let row = studio::get_picture(&mut tx, &far.creator(), &given).await;
        assert_eq!(
            row.expect("a picture").state,
            PictureState::Done,
            "{}",
            test.name
        );
    }
}
