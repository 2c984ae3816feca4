//! What becomes of a draft, whose seeds may be sealed, and what a prompt becomes, on both databases.

use super::queue::{self, Seeds};
use super::service::{self, Content, DraftForm, Error, PictureRow};
use super::{GENERATE, PictureState, begin, compare, jobs, store};
use crate::shop::Shop as Rules;
use crate::testing::{Shop, shop};
use base::db::execute;
use base::jobs::Job;
use base::random;
use base::testing::{TestDb, databases};
use schema::id::{DraftId, PersonId, PictureId};
use schema::template::Values;

/// A shop in which the first seller works on a draft.
struct Work {
    shop: Shop,
    rules: Rules,
    person: PersonId,
    draft: DraftId,
}

impl Work {
    async fn new(test: &TestDb) -> Self {
        let shop = shop(test).await;
        let rules = shop.rules(test);
        let person = PersonId::parse(&shop.sellers[0]).expect("a person");
        let draft = service::create_draft(&rules, &person, "Apples").await;
        let draft = draft.expect("a draft");
        Self {
            shop,
            rules,
            person,
            draft,
        }
    }

    fn content(&self, template: &str) -> Content {
        Content {
            template: template.into(),
            steps: 1,
            ..Content::sample(&self.rules)
        }
    }

    async fn save(&self, template: &str) {
        let form = DraftForm {
            title: "Apples".into(),
            description: String::new(),
            category: "stickers".into(),
            price: "3".into(),
            licence: "standard-1".into(),
            tags: String::new(),
            trial: false,
            content: self.content(template),
            shown_model: None,
            seen_ms: None,
            strength_milli: None,
            distance_milli: None,
        };
        let saved = service::save_draft(&self.rules, &self.person, &self.draft, form).await;
        saved.expect("saved");
    }

    /// Makes one picture of the draft as it is.
    async fn make(&self, colour: &str, seeds: Seeds) -> PictureRow {
        let values = Values::from([("colour".into(), colour.into())]);
        let asked = queue::generate(&self.rules, &self.person, &self.draft, values, seeds, 9);
        asked.await.expect("asked for");
        let job = self.claim().await.expect("a picture that waits");
        let made = jobs::run(&self.rules, &job).await;
        let made = made.expect("an outcome");
        let noted = base::jobs::finish(&self.rules.db, &job, &made, random::real_now_ms());
        noted.await.expect("a note");
        let waiting = self.pictures().await.into_iter();
        let waiting = waiting.filter(|picture| picture.state == PictureState::Waiting);
        for other in waiting {
            let taken = queue::cancel(&self.rules, &self.person, &other.id).await;
            taken.expect("taken back");
        }
        let mut tx = self.rules.db.read().await.expect("a transaction");
        let id = PictureId::parse(&job.payload).expect("an id");
        let row = service::get_picture(&mut tx, &self.person, &id).await;
        row.expect("a picture")
    }

    /// What a worker with every model of the shop is given.
    async fn claim(&self) -> Option<Job> {
        let (now, models) = (random::real_now_ms() + 1, self.rules.here.models());
        let job = base::jobs::claim_of(&self.rules.db, "w", &[GENERATE], &models, now).await;
        job.expect("a claim")
    }

    async fn pictures(&self) -> Vec<PictureRow> {
        let mut tx = self.rules.db.read().await.expect("a transaction");
        let pictures = service::list_pictures(&mut tx, &self.draft, 60).await;
        pictures.expect("pictures")
    }

    /// The broken rule that keeps a picture from being sealed.
    async fn refused(&self, picture: &PictureId) -> Option<String> {
        let chosen = [picture.clone()];
        match service::sealable(&self.rules, &self.person, &self.draft, &chosen, false).await {
            Ok(_) => None,
            Err(Error::Invalid(fields)) => Some(fields[0].code.to_string()),
            Err(error) => panic!("{error}"),
        }
    }

    /// Titles of drafts that are worked on, each with the listing that it was, and the drafts of the listings.
    async fn list(&self) -> (Vec<Option<String>>, Vec<Option<String>>) {
        let mut tx = self.rules.db.read().await.expect("a transaction");
        let own = service::list_own(&mut tx, self.person.as_str()).await;
        let (drafts, listings) = own.expect("lists");
        let drafts = drafts.into_iter().map(|draft| draft.slug);
        let listings = listings.into_iter().map(|listing| listing.draft_id);
        (drafts.collect(), listings.collect())
    }
}

#[tokio::test]
async fn what_was_published_is_a_listing_alone_until_somebody_works_on_it_again() {
    for test in databases().await {
        let work = Work::new(&test).await;
        let listing = work.shop.listings[0].clone();
        let slug = Some(listing.to_string());
        assert_eq!(work.list().await.0, [None], "{}: a new draft", test.name);

        let mut tx = test.db.write().await.expect("a transaction");
        let now = work.rules.clock.now_ms();
        let noted = store::publish_draft(&mut tx, &work.draft, &listing, now).await;
        noted.expect("noted");
        tx.commit().await.expect("a commit");
        let (drafts, listings) = work.list().await;
        assert!(drafts.is_empty(), "{}: {drafts:?}", test.name);
        let draft = Some(work.draft.to_string());
        assert_eq!(listings.iter().filter(|of| **of == draft).count(), 1);
        let mut tx = test.db.write().await.expect("a transaction");
        let row = service::get_draft(&work.rules, &mut tx, &work.person, &work.draft).await;
        let found = service::find_published(&mut tx, &row.expect("a draft").row).await;
        let found = found.expect("a look").expect("a listing");
        assert_eq!(Some(found.slug), slug, "{}", test.name);
        // One that failed is worked on again, as is one that was changed since.
        let sql = "update listing set state = $2 where id = $1";
        execute!(&mut tx, sql, listing.as_str(), "failed").expect("failed");
        tx.commit().await.expect("a commit");
        let again = std::slice::from_ref(&slug);
        assert_eq!(work.list().await.0, again, "{}: failed", test.name);
        let mut tx = test.db.write().await.expect("a transaction");
        execute!(&mut tx, sql, listing.as_str(), "live").expect("live");
        let sql = "update draft set published_ms = published_ms - 1000 where id = $1";
        execute!(&mut tx, sql, work.draft.as_str()).expect("earlier");
        tx.commit().await.expect("a commit");
        work.save("{colour} pear, 3d style").await;
        assert_eq!(work.list().await.0, [slug], "{}: changed", test.name);
    }
}

#[tokio::test]
async fn a_seed_is_taken_again_for_other_words_and_sealed_with_one_picture_alone() {
    for test in databases().await {
        let work = Work::new(&test).await;
        work.save("{colour} apple, 3d style").await;
        let first = work.make("red", Seeds::Drawn).await;
        let again = work.make("blue", Seeds::Of(first.id.clone())).await;
        // The seed of the second is the first one's, however long the row of them.
        let third = work.make("green", Seeds::Of(again.id.clone())).await;
        let rows = [first.clone(), again.clone(), third.clone()];
        let mut tx = test.db.write().await.expect("a transaction");
        let made = service::list_made(&work.rules, &mut tx, &rows).await;
        let made = made.expect("what they were made with");
        tx.commit().await.expect("a commit");
        let seed = made[0].seed;
        let same = made.iter().all(|made| made.drawn && made.seed == seed);
        assert!(same, "{}", test.name);
        let origin = first.id.to_string();
        assert!(rows.iter().all(|row| row.origin_id == origin));
        assert_eq!(work.pictures().await.len(), 3, "{}: one each", test.name);
        for picture in &rows {
            assert_eq!(work.refused(&picture.id).await, None, "{}", test.name);
        }

        // Somebody buys the second: they know its seed.
        let mut tx = test.db.write().await.expect("a transaction");
        let sql = "update anchor set pixel_blake3 = $1 where version_id in (select id from version where listing_id = $2)";
        let pixels = again.pixel_blake3.as_deref().unwrap_or_default();
        execute!(&mut tx, sql, pixels, work.shop.listings[0].as_str()).expect("sealed");
        tx.commit().await.expect("a commit");
        let sealed = Some("seed-sealed".to_owned());
        for (picture, expected) in [(&first, &sealed), (&again, &None), (&third, &sealed)] {
            assert_eq!(&work.refused(&picture.id).await, expected, "{}", test.name);
        }
        let fresh = work.make("blue", Seeds::Drawn).await;
        assert_eq!(work.refused(&fresh.id).await, None, "{}", test.name);
        // A typed one stays a typed one, whoever takes it again.
        let typed = work.make("red", Seeds::Typed("12".into())).await;
        let again = work.make("blue", Seeds::Of(typed.id)).await;
        let told = work.refused(&again.id).await;
        assert_eq!(told.as_deref(), Some("typed-seed"), "{}", test.name);
        let stranger = PersonId::parse(&work.shop.sellers[1]).expect("a person");
        let other = service::create_draft(&work.rules, &stranger, "Pears").await;
        let values = Values::from([("colour".into(), "red".into())]);
        let (other, seeds) = (other.expect("a draft"), Seeds::Of(first.id));
        let stolen = queue::generate(&work.rules, &stranger, &other, values, seeds, 1).await;
        assert!(matches!(stolen, Err(Error::NotFound)), "{}", test.name);
    }
}

#[tokio::test]
async fn a_prompt_is_shown_with_the_values_that_fit_and_counted_while_it_is_too_long() {
    for test in databases().await {
        let work = Work::new(&test).await;
        let look = async |template: &str, colour: &str| {
            let values = Values::from([("colour".into(), colour.into())]);
            service::preview(&work.rules, work.content(template), values).await
        };
        let shown = look("{colour} apple", "blue").await.expect("a prompt");
        assert_eq!(shown.prompt, "blue apple", "{}", test.name);
        assert_eq!((shown.tokens, shown.limit), (Some(2), 32), "{}", test.name);
        assert_eq!(shown.negative_tokens, None, "{}", test.name);
        let usual = look("{colour} apple", "mauve").await.expect("a prompt");
        assert_eq!(usual.prompt, "red apple", "{}: the default", test.name);
        let long = "apple ".repeat(60);
        let long = look(&long, "red").await.expect("a prompt");
        assert_eq!(long.tokens, Some(60), "{}", test.name);
        for template in ["{colour", "{shape} apple"] {
            let refused = look(template, "red").await;
            assert!(matches!(refused, Err(Error::Invalid(_))), "{template}");
        }
    }
}

#[tokio::test]
async fn variations_share_the_noise_of_one_picture_and_are_sealed_apart_from_it() {
    for test in databases().await {
        let work = Work::new(&test).await;
        work.save("{colour} apple").await;
        let first = work.make("red", Seeds::Drawn).await;
        let vary = begin::vary(&work.rules, &work.person, &work.draft, &first.id);
        vary.await.expect("asked for");
        let waiting: Vec<_> = work.pictures().await;
        let waiting = waiting
            .iter()
            .filter(|row| row.state == PictureState::Waiting);
        assert_eq!(waiting.clone().count(), 4, "{}", test.name);
        let mut made = Vec::new();
        for _ in 0..2 {
            let job = work.claim().await.expect("a picture that waits");
            jobs::run(&work.rules, &job).await.expect("an outcome");
            let id = PictureId::parse(&job.payload).expect("a picture");
            let mut tx = test.db.read().await.expect("a transaction");
            let row = service::get_picture(&mut tx, &work.person, &id).await;
            made.push(row.expect("a picture"));
        }
        assert_ne!(made[0].pixel_blake3, made[1].pixel_blake3);
        assert_ne!(made[0].pixel_blake3, first.pixel_blake3);
        // The first one was made without: it belongs to an earlier text, and its variations can be sealed.
        let refused = work.refused(&first.id).await;
        assert_eq!(refused.as_deref(), Some("stale-picture"));
        assert_eq!(work.refused(&made[0].id).await, None);
        // Saving keeps what is varied, and takes how much.
        work.save("{colour} apple").await;
        assert_eq!(work.refused(&made[0].id).await, None);
        let mut tx = test.db.write().await.expect("a transaction");
        let noted = store::insert_varied_seed(&mut tx, &first.id, "version", 1).await;
        noted.expect("noted");
        tx.commit().await.expect("a commit");
        let cleared =
            begin::clear(&work.rules, &work.person, &work.draft, begin::Part::Varied).await;
        cleared.expect("cleared");
        let refused = work.refused(&first.id).await;
        assert_eq!(refused.as_deref(), Some("seed-sealed"), "{}", test.name);
        // Back to the same settings, what was made with them fits again.
        let again = begin::vary(&work.rules, &work.person, &work.draft, &first.id);
        again.await.expect("asked for");
        assert_eq!(work.refused(&made[0].id).await, None, "{}", test.name);
    }
}

#[tokio::test]
async fn a_model_that_begins_with_noise_alone_takes_no_picture_and_strangers_none_at_all() {
    for test in databases().await {
        let work = Work::new(&test).await;
        work.save("{colour} apple").await;
        let picture = work.make("red", Seeds::Drawn).await;
        let upload = || begin::Upload {
            picture: vec![1, 2, 3],
            mask: None,
        };
        let code = |result: Result<(), Error>| match result {
            Err(Error::Invalid(fields)) => fields[0].code.to_string(),
            Err(Error::NotFound) => "not-found".to_owned(),
            other => panic!("{other:?}"),
        };
        let (rules, draft) = (&work.rules, &work.draft);
        let sent = begin::upload(rules, &work.person, draft, upload()).await;
        assert_eq!(code(sent), "start-model", "{}", test.name);
        let begun = begin::begin_with(rules, &work.person, draft, &picture.id).await;
        assert_eq!(code(begun), "start-model", "{}", test.name);
        let stranger = PersonId::parse(&work.shop.buyers[0]).expect("a person");
        let sent = begin::upload(rules, &stranger, draft, upload()).await;
        assert_eq!(code(sent), "not-found", "{}", test.name);
        let varied = begin::vary(rules, &stranger, draft, &picture.id).await;
        assert_eq!(code(varied), "not-found", "{}", test.name);
        let shown = begin::file(rules, &stranger, draft, 0).await.map(drop);
        assert_eq!(code(shown), "not-found", "{}", test.name);
    }
}

#[tokio::test]
async fn what_is_compared_has_one_seed_and_a_draft_for_each_and_one_of_them_is_sealed_with_it() {
    for test in databases().await {
        let work = Work::new(&test).await;
        work.save("{colour} apple").await;
        let model = work.rules.engines.models().usual().digest;
        let values = Values::from([("colour".into(), "red".into())]);
        let wish = |prompts: &[&str]| compare::Wish {
            models: vec![model],
            prompts: prompts.iter().map(|text| (*text).to_owned()).collect(),
            values: values.clone(),
        };
        let begin = async |person: &PersonId, wish| {
            compare::begin(&work.rules, person, &work.draft, wish).await
        };
        let code = |result: Result<schema::id::ComparisonId, Error>| match result {
            Err(Error::Invalid(fields)) => {
                (fields[0].field.to_string(), fields[0].code.to_string())
            }
            Err(Error::NotFound) => ("".into(), "not-found".into()),
            other => panic!("{other:?}"),
        };
        let pair = |field: &str, code: &str| (field.to_owned(), code.to_owned());
        // Nothing is made of what cannot be compared.
        let alone = begin(&work.person, wish(&[" "])).await;
        assert_eq!(code(alone), pair("models", "compare-count"));
        let wrong = begin(&work.person, wish(&["{nothing} apple"])).await;
        assert_eq!(code(wrong).0, "prompt_1", "{}", test.name);
        let stranger = PersonId::parse(&work.shop.buyers[0]).expect("a person");
        let refused = begin(&stranger, wish(&["{colour} Apfel"])).await;
        assert_eq!(code(refused), pair("", "not-found"));
        assert_eq!(work.list().await.0.len(), 1, "{}", test.name);

        let id = begin(
            &work.person,
            wish(&["{colour} Apfel", "", "{colour} pomme"]),
        )
        .await;
        let id = id.expect("begun");
        let shown = compare::get(&work.rules, &work.person, &id).await;
        let shown = shown.expect("a comparison");
        assert_eq!(shown.rows, ["red apple", "red Apfel", "red pomme"]);
        assert_eq!(shown.columns.len(), 1);
        assert_eq!(shown.cells[0].draft, work.draft);
        assert_eq!(work.list().await.0.len(), 3, "{}", test.name);
        let strange = compare::get(&work.rules, &stranger, &id).await;
        assert!(matches!(strange, Err(Error::NotFound)));
        let mut made = Vec::new();
        for cell in &shown.cells {
            let (_, picture) = cell.made.as_ref().expect("a picture");
            let job = work.claim().await.expect("a picture that waits");
            assert_eq!(job.payload, picture.id.as_str(), "{}", test.name);
            jobs::run(&work.rules, &job).await.expect("an outcome");
            made.push((cell.draft.clone(), picture.id.clone()));
        }
        let seal = async |at: usize| {
            let (draft, picture): &(DraftId, PictureId) = &made[at];
            let chosen = [picture.clone()];
            let sealable =
                service::sealable(&work.rules, &work.person, draft, &chosen, false).await;
            sealable.map(|sealable| sealable.recipe().anchors[0].seed)
        };
        let first = seal(0).await.map_err(|_| "refused").expect("the first");
        let other = seal(1).await.map_err(|_| "refused").expect("another");
        assert_eq!(Some(first), shown.seed);
        assert_eq!(first, other, "one seed for all");
        // Once one is sealed its buyers know the seed.
        let mut tx = test.db.write().await.expect("a transaction");
        let sealed = service::get_picture(&mut tx, &work.person, &made[0].1).await;
        let blake3 = sealed.expect("a picture").pixel_blake3.expect("a digest");
        let sql = "update anchor set pixel_blake3 = $1 where version_id = (select min(version_id) from anchor) and idx = 0";
        execute!(&mut tx, sql, &blake3).expect("a sealed picture");
        tx.commit().await.expect("a commit");
        assert!(seal(1).await.is_err(), "{}", test.name);
        assert!(seal(0).await.is_ok(), "{}", test.name);
        // A draft that is given up leaves its place empty.
        let given_up = queue::delete_draft(&work.rules, &work.person, &made[2].0).await;
        given_up.expect("given up");
        let shown = compare::get(&work.rules, &work.person, &id).await;
        assert!(shown.expect("a comparison").cells[2].made.is_none());
    }
}
