//! The studio's forms: bounds that are checked at once, texts that come back as they were typed, pictures that can be taken back.

use crate::harness::client::{Answer, Client};
use crate::harness::server::{Database, Server};
use crate::harness::{PATIENCE, is_so, until};

type Fields<'a> = Vec<(&'a str, &'a str)>;

/// A draft's form that is accepted.
fn fields() -> Fields<'static> {
    vec![
        ("template", "{a} face, 3d style"),
        ("negative", ""),
        ("variable_name", "a"),
        ("variable_kind", "choice"),
        ("variable_choices", "happy = grinning, sad = crying"),
        ("steps", "4"),
        ("guidance", "3"),
        ("title", "Faces"),
        ("description", ""),
        ("category", "faces"),
        ("licence", "standard-1"),
        ("price", "3.00"),
    ]
}

/// The same with other values.
fn with<'a>(changes: &[(&'a str, &'a str)]) -> Fields<'a> {
    let mut fields: Fields<'a> = fields();
    for (name, value) in changes {
        fields.retain(|(known, _)| known != name);
        fields.push((name, value));
    }
    fields
}

async fn draft(client: &Client) -> String {
    let created = client.post("/studio/drafts", &[]).await;
    created.header("location").to_owned()
}

/// What a browser shows in the field of several lines with this id.
fn text_of(page: &Answer, id: &str) -> String {
    let field = page.find(&format!(
        "(?s)<textarea[^>]*id=\"{id}\"[^>]*>(.*?)</textarea>"
    ));
    let text = field.strip_prefix('\n').unwrap_or(&field);
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

#[tokio::test]
async fn a_form_that_is_far_too_long_is_refused_at_once_and_keeps_nobody_waiting() {
    let server = Server::start(Database::Sqlite);
    let ada = Client::member(server.url(""), "ada").await;
    let draft = draft(&ada).await;
    let long = format!("x = {}, y = z", "ab".repeat(40_000));
    let slots = "{a}".repeat(1300);
    let wide = format!("x = {}, y = z", "ab".repeat(2_000));
    let many = vec!["q"; 5_000].join(",");
    let words = "apple ".repeat(60);
    for (changes, field) in [
        (
            vec![("template", "{a}"), ("variable_choices", &*long)],
            "64 items|too much text|4000 bytes",
        ),
        (
            vec![("template", &*slots), ("variable_choices", &*wide)],
            "16384 bytes",
        ),
        (vec![("variable_choices", &*many)], "64 items"),
        (vec![("template", &*long)], "4000 bytes"),
        (vec![("negative", &*words)], "takes 32 tokens"),
        (vec![("negative", &*long)], "4000 bytes"),
    ] {
        let sent = with(&changes);
        let (answer, health) = tokio::join!(ada.post(&draft, &sent), ada.get("/healthz"));
        assert_eq!((answer.status, health.status), (422, 200), "{field}");
        let found = field.split('|').any(|text| answer.body.contains(text));
        assert!(found, "{field}");
    }
    let refused = ada.post(&draft, &with(&[("negative", &*words)])).await;
    assert!(
        refused.body.contains("id=\"negative-error\""),
        "it stands at its field"
    );
}

#[tokio::test]
async fn what_was_typed_comes_back_as_it_was_typed() {
    for database in [Database::Sqlite, Database::Postgres] {
        let server = Server::start(database);
        let ada = Client::member(server.url(""), "ada").await;
        let draft = draft(&ada).await;
        let description = "</textarea><svg onload=alert(3)>\n&lt;b&gt; & \"more\"";
        let template = "{a} &lt; face, 3d style";
        let saved = with(&[
            ("description", description),
            ("template", template),
            ("guidance", "3.55"),
        ]);
        for _ in 0..2 {
            assert_eq!(ada.post(&draft, &saved).await.status, 303, "{database:?}");
            let page = ada.get(&draft).await;
            assert!(!page.body.contains("<svg onload"), "{database:?}");
            assert_eq!(text_of(&page, "description"), description, "{database:?}");
            assert_eq!(text_of(&page, "template"), template, "{database:?}");
            assert!(page.body.contains("value=\"3.55\""), "{database:?}");
        }
    }
}

#[tokio::test]
async fn generating_saves_the_page_first_and_loses_nothing_that_is_refused() {
    let server = Server::start(Database::Sqlite);
    let ada = Client::member(server.url(""), "ada").await;
    let draft = draft(&ada).await;
    let generate = format!("{draft}/generate");
    let mut sent = with(&[("template", "{a} cat, 3d style"), ("title", "Newer")]);
    sent.extend([("value_a", "sad"), ("count", "1")]);
    assert_eq!(ada.post(&generate, &sent).await.status, 303);
    let page = ada.get(&draft).await;
    assert_eq!(text_of(&page, "template"), "{a} cat, 3d style");
    assert!(page.body.contains("value=\"Newer\"") && page.body.contains("/studio/pictures/"));
    let mut refused = with(&[
        ("template", "{a} dog {"),
        ("title", "Newest"),
        ("price", "7.77"),
    ]);
    refused.push(("count", "1"));
    let answer = ada.post(&generate, &refused).await;
    assert_eq!(answer.status, 422);
    assert_eq!(text_of(&answer, "template"), "{a} dog {", "as it was typed");
    assert!(answer.body.contains("value=\"Newest\"") && answer.body.contains("value=\"7.77\""));
    let page = ada.get(&draft).await;
    assert_eq!(
        text_of(&page, "template"),
        "{a} cat, 3d style",
        "nothing is stored"
    );
}

#[tokio::test]
async fn a_draft_whose_model_is_gone_says_so_and_is_saved_with_the_one_that_is_shown() {
    let server = Server::start(Database::Sqlite);
    let ada = Client::member(server.url(""), "ada").await;
    let draft = draft(&ada).await;
    let gone = format!("blake3:{}", "0".repeat(64));
    let refused = ada.post(&draft, &with(&[("model", &gone)])).await;
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("a model that is not here any more"));
    let shown = refused.find("name=\"model\" value=\"([^\"]+)\"");
    assert_ne!(shown, gone);
    let saved = ada.post(&draft, &with(&[("model", &shown)])).await;
    assert_eq!(saved.status, 303, "{}", saved.body);
}

#[tokio::test]
async fn a_refusal_is_in_the_readers_language_at_its_field() {
    let server = Server::start(Database::Sqlite);
    let ada = Client::member(server.url(""), "ada").await;
    let draft = format!("/de{}", draft(&ada).await);
    for (name, value, expected) in [
        ("steps", "1000", "eine Zahl von 1–200"),
        ("guidance", "31", "eine Zahl von 0–30"),
        ("price", "abc", "ein Betrag wie 4,50"),
        ("price", "100000", "höchstens 5000 US-Dollar"),
        ("title", "\u{200b}\u{200b}", "nichts zu sehen"),
        ("title", "\u{202e}eelppa eerF", "kehrt die Leserichtung um"),
        ("negative", "{b}", "fehlt die Variable"),
    ] {
        let answer = ada.post(&draft, &with(&[(name, value)])).await;
        assert_eq!(answer.status, 422, "{name} {value}");
        let told = answer.find(&format!("(?s)id=\"{name}-error\"[^>]*>(.*?)</p>"));
        assert!(told.contains(expected), "{name} {value}: {told}");
    }
    let hinted = with(&[
        ("negative", "red"),
        ("guidance", "1"),
        ("template", "{a}\u{200b} face"),
    ]);
    assert_eq!(ada.post(&draft, &hinted).await.status, 303);
    let page = ada.get(&draft).await.body;
    assert!(page.contains("id=\"negative-idle\"") && page.contains("U+200B"));
}

#[tokio::test]
async fn waiting_pictures_are_taken_back_and_drafts_given_up_by_their_owner_only() {
    for database in [Database::Sqlite, Database::Postgres] {
        let server = Server::start(database);
        let ada = Client::member(server.url(""), "ada").await;
        let eve = Client::member(server.url(""), "eve").await;
        let draft = draft(&ada).await;
        let generate = format!("{draft}/generate");
        let slow = with(&[("steps", "200"), ("explore", "9")]);
        let mut last = 303;
        for _ in 0..8 {
            let answer = ada.post(&generate, &slow).await;
            last = answer.status;
            if last == 422 {
                assert!(answer.body.contains("At most 64"), "{database:?}");
                break;
            }
        }
        assert_eq!(last, 422, "{database:?}: a list has an end");
        for path in ["cancel", "delete"] {
            let answer = eve.post(&format!("{draft}/{path}"), &[]).await;
            assert_eq!(answer.status, 404, "{database:?}: {path}");
        }
        assert!(
            ada.get(&draft).await.body.contains("id=\"waiting\""),
            "{database:?}"
        );
        assert_eq!(ada.post(&format!("{draft}/cancel"), &[]).await.status, 303);
        // One that a worker has begun is not taken back, and waits by name until its first step.
        until(PATIENCE, async || {
            let page = ada.get(&draft).await;
            is_so(!page.body.contains("id=\"waiting\""), "none waits")
        })
        .await;
        assert_eq!(ada.post(&format!("{draft}/delete"), &[]).await.status, 303);
        assert_eq!(ada.get(&draft).await.status, 404, "{database:?}");
    }
}

#[tokio::test]
async fn a_draft_that_another_tab_saved_is_not_overwritten_unseen() {
    let server = Server::start(Database::Sqlite);
    let ada = Client::member(server.url(""), "ada").await;
    let draft = draft(&ada).await;
    let seen = ada.get(&draft).await.find("name=\"seen\" value=\"(\\d+)\"");
    let first = with(&[("seen", &seen), ("title", "From tab one")]);
    assert_eq!(ada.post(&draft, &first).await.status, 303);
    let second = with(&[("seen", &seen), ("title", "From tab two")]);
    let refused = ada.post(&draft, &second).await;
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("another tab") && refused.body.contains("From tab two"));
    assert!(ada.get(&draft).await.body.contains("From tab one"));
    // Whoever saw that may go on.
    let seen = refused.find("name=\"seen\" value=\"(\\d+)\"");
    let again = with(&[("seen", &seen), ("title", "From tab two")]);
    assert_eq!(ada.post(&draft, &again).await.status, 303);
    assert!(ada.get(&draft).await.body.contains("From tab two"));
}

/// What a row of variables shows in one of its fields.
fn field_of(page: &Answer, name: &str, place: usize) -> String {
    let input = page.find(&format!(
        "(<input[^>]*id=\"variable-{name}-{place}\"[^>]*>)"
    ));
    let value = regex::Regex::new("value=\"([^\"]*)\"").expect("a pattern");
    let found = value.captures(&input).map(|found| found[1].to_owned());
    found.unwrap_or_default()
}

#[tokio::test]
async fn one_variable_more_or_less_loses_nothing_that_was_typed_and_stores_nothing() {
    let server = Server::start(Database::Sqlite);
    let ada = Client::member(server.url(""), "ada").await;
    let draft = draft(&ada).await;
    let rows = format!("{draft}/rows");
    let typed: &[(&str, &str)] = &[
        ("template", "{a} cat {"),
        ("steps", "many"),
        ("title", ""),
        ("price", "lots"),
        ("variable_name", "Not a name"),
        ("variable_kind", "number"),
        ("variable_choices", ""),
        ("variable_minimum", "low"),
    ];
    let mut more = typed.to_vec();
    more.push(("add", "1"));
    let page = ada.post(&rows, &more).await;
    assert_eq!(page.status, 200, "nothing is judged yet");
    assert_eq!(text_of(&page, "template"), "{a} cat {");
    assert_eq!(field_of(&page, "name", 0), "Not a name");
    assert_eq!(field_of(&page, "minimum", 0), "low");
    assert_eq!(field_of(&page, "name", 1), "", "a row more");
    assert!(page.body.contains("value=\"many\"") && page.body.contains("value=\"lots\""));
    assert!(!page.body.contains("http-equiv=\"refresh\""));

    // The second of three is taken away.
    let mut less = typed.to_vec();
    for name in ["second", "third"] {
        less.extend([
            ("variable_name", name),
            ("variable_kind", "text"),
            ("variable_choices", ""),
            ("variable_minimum", ""),
            ("variable_text", name),
        ]);
    }
    less.push(("remove", "1"));
    let page = ada.post(&rows, &less).await;
    assert_eq!(field_of(&page, "name", 0), "Not a name");
    assert_eq!(field_of(&page, "name", 1), "third");
    assert!(!page.body.contains("variable-name-2"));

    let stored = ada.get(&draft).await;
    assert_eq!(text_of(&stored, "template"), "{colour} apple, 3d style");
    // What is refused comes back in the same way.
    let refused = ada.post(&draft, typed).await;
    assert_eq!(refused.status, 422);
    assert_eq!(field_of(&refused, "minimum", 0), "low");
    assert!(refused.body.contains("value=\"many\""));
}

#[tokio::test]
async fn the_page_says_what_the_prompt_becomes_and_how_much_room_it_takes() {
    let server = Server::start(Database::Sqlite);
    let ada = Client::member(server.url(""), "ada").await;
    let eve = Client::member(server.url(""), "eve").await;
    let draft = draft(&ada).await;
    let prompt = format!("{draft}/prompt");
    let mut sent = with(&[]);
    sent.push(("value_a", "sad"));
    let checked = sent.iter().copied().chain([("check", "1")]);
    let checked: Fields<'_> = checked.collect();
    let whole = ada.post(&format!("{draft}/rows"), &checked).await;
    let part = ada.post(&prompt, &sent).await;
    for page in [&whole, &part] {
        assert_eq!(page.status, 200);
        assert!(page.body.contains("crying face, 3d style"), "{}", page.body);
        let tokens = page.find("(\\d+) of 32 tokens");
        assert!((4..=12).contains(&tokens.parse::<u32>().expect("a number")));
    }
    assert!(!part.body.contains("<html"), "a part alone");
    assert!(part.body.contains("<option value=\"sad\" selected"));
    assert_eq!(eve.post(&prompt, &sent).await.status, 404);

    // A choice that is being rewritten is taken for the usual one.
    let mut rewritten = with(&[("variable_choices", "glad = beaming\nsad")]);
    rewritten.push(("value_a", "happy"));
    let part = ada.post(&prompt, &rewritten).await;
    assert!(part.body.contains("beaming face"), "{}", part.body);
    let words = "apple ".repeat(60);
    let long = with(&[("template", &*words), ("negative", "a dog")]);
    let part = ada.post(&prompt, &long).await;
    assert!(part.body.contains("of 32 tokens") && part.body.contains("field-error"));
    let endless = "{a}".repeat(1300);
    let wide = format!("x = {}, y = z", "ab ".repeat(1_300));
    for (template, choices, told) in [
        ("{a} face {", "x, y", "no partner"),
        ("{b}", "x, y", "has no variable"),
        (&*endless, &*wide, "16384 bytes"),
        ("{a}", &*wide, "more than 32 tokens"),
    ] {
        let sent = with(&[("template", template), ("variable_choices", choices)]);
        let part = ada.post(&prompt, &sent).await;
        assert_eq!(part.status, 200);
        // What takes part of the room only is counted.
        let counted = part.find("((?:\\d+ of 32|far more than 32) tokens|field-error)");
        assert!(part.body.contains(told) || !counted.is_empty(), "{told}");
    }
    let stored = ada.get(&draft).await;
    assert_eq!(text_of(&stored, "template"), "{colour} apple, 3d style");
}

/// Waits until as many pictures of a draft are made; returns its page.
async fn made(client: &Client, draft: &str, count: usize) -> Answer {
    until(PATIENCE, async || {
        let page = client.get(draft).await;
        let made = page.body.matches("name=\"same\"").count();
        is_so(made == count, format!("{made} of {count} are made"))?;
        Ok(page)
    })
    .await
}

#[tokio::test]
async fn each_picture_tells_its_values_and_seed_and_is_made_again_with_that_seed() {
    let seeds = regex::Regex::new("<code title=\"(\\d+)\" class=\"digest\"").expect("a pattern");
    for database in [Database::Sqlite, Database::Postgres] {
        let server = Server::start(database);
        let ada = Client::member(server.url(""), "ada").await;
        let draft = draft(&ada).await;
        let generate = format!("{draft}/generate");
        let mut first = with(&[]);
        first.extend([("value_a", "sad"), ("count", "1")]);
        assert_eq!(ada.post(&generate, &first).await.status, 303);
        let page = made(&ada, &draft, 1).await;
        assert!(page.body.contains("a: sad"), "{database:?}");
        let seed = page.find("<code title=\"(\\d+)\" class=\"digest\"");
        let picture = page.find("name=\"same\" value=\"([^\"]+)\"");
        // The next ones begin with the values of the last one.
        assert!(page.body.contains("<option value=\"sad\" selected"));

        let mut again = with(&[("template", "{a} cat, 3d style")]);
        again.extend([("value_a", "happy"), ("count", "9"), ("same", &*picture)]);
        assert_eq!(ada.post(&generate, &again).await.status, 303);
        let page = made(&ada, &draft, 2).await;
        let found: Vec<String> = seeds
            .captures_iter(&page.body)
            .map(|found| found[1].to_owned())
            .collect();
        assert_eq!(
            found,
            [seed.clone(), seed],
            "{database:?}: one more, with one seed"
        );
        assert!(!page.body.contains(">typed seed<"), "it was drawn here");
        let eve = Client::member(server.url(""), "eve").await;
        let other = eve.post("/studio/drafts", &[]).await;
        let other = format!("{}/generate", other.header("location"));
        let stolen = eve.post(&other, &[("same", &*picture)]).await;
        assert_eq!(stolen.status, 404, "{database:?}: a seed is its owner's");
    }
}

#[tokio::test]
async fn on_the_way_to_the_seal_the_page_is_saved_and_the_seal_repeats_what_is_offered() {
    let server = Server::start(Database::Sqlite);
    let ada = Client::member(server.url(""), "ada").await;
    let draft = draft(&ada).await;
    let mut first = with(&[]);
    first.extend([("value_a", "sad"), ("count", "1")]);
    assert_eq!(
        ada.post(&format!("{draft}/generate"), &first).await.status,
        303
    );
    let page = made(&ada, &draft, 1).await;
    let picture = page.find("name=\"same\" value=\"([^\"]+)\"");
    let mut sent = with(&[
        ("title", "Faces for <you>"),
        ("price", "7.70"),
        ("licence", "extended-1"),
        ("tags", "moods, faces"),
    ]);
    sent.extend([("picture", &*picture), ("to", "seal")]);
    let sealed = ada.post(&draft, &sent).await;
    assert_eq!(sealed.status, 303);
    let page = ada.get(sealed.header("location")).await;
    for text in [
        "Faces for &lt;you&gt;",
        "$7.70",
        "you receive $",
        "Extended: commercial use",
        "moods",
        "one of these, and nothing else",
        "a: sad",
    ] {
        assert!(page.body.contains(text), "{text}: {}", page.body);
    }
    // Back leads to the draft with the same pictures ticked.
    let back = page.find("href=\"([^\"]+)\" id=\"seal-back\"");
    let back = back.replace("&amp;", "&");
    let page = ada.get(back.split('#').next().unwrap_or_default()).await;
    assert!(page.body.contains("value=\"7.70\""), "it was saved");
    let ticked = page.find("(<input[^>]*name=\"picture\"[^>]*>)");
    assert!(ticked.contains("checked"), "{ticked}");
    // One alone, by its own button; and without any the page says so.
    let mut only = with(&[]);
    only.push(("only", &*picture));
    let one = ada.post(&draft, &only).await;
    assert!(
        one.header("location")
            .ends_with(&format!("/seal?picture={picture}"))
    );
    let mut none = with(&[]);
    none.push(("to", "seal"));
    let none = ada.post(&draft, &none).await;
    let refused = ada.get(none.header("location")).await;
    assert!(refused.status == 422 && refused.body.contains("Tick 1 to 16 pictures"));
}

#[tokio::test]
async fn a_file_as_large_as_a_phone_makes_them_reaches_the_draft_and_a_larger_one_is_refused_at_its_field()
 {
    let server = Server::start(Database::Sqlite);
    let ada = Client::member(server.url(""), "ada").await;
    let path = draft(&ada).await;
    let start = format!("{path}/start");
    // Without the page's fields: what is wrong with those is told, so the file was read.
    let read = ada.upload(&start, "start", vec![0; 11 * 1024 * 1024]).await;
    assert_eq!(read.status, 422);
    assert!(read.body.contains("refused"), "{}", read.body);
    assert!(!read.body.contains("larger than 12 MB"), "{}", read.body);
    let large = ada
        .upload(&start, "start", vec![0; 12 * 1024 * 1024 + 1])
        .await;
    assert_eq!(large.status, 422);
    assert!(large.body.contains("larger than 12 MB"), "{}", large.body);
    let far = ada.upload(&start, "start", vec![0; 30 * 1024 * 1024]).await;
    assert!([413, 422].contains(&far.status), "{}", far.status);
}
