//! A model of the ecosystem's layout goes through the whole shop: added by the operator, used, sealed, certified, bought, and made again by
//! whoever has it.

use super::{buy, submit_with};
use crate::harness::browser::Browser;
use crate::harness::server::{Database, Server, program, root, text};
use std::path::Path;
use std::process::{Command, Output};

/// Adds the tiny reference model to a store; returns its digest.
fn add(store: &Path) -> String {
    let folder = root().join("engine/tests/reference/models/sd15");
    let output = tool(store)
        .args(["model", "add", "--json", "--name", "Tiny Diffusion"])
        .args(["--licence", "MIT", "--steps", "3", "--guidance", "4"])
        .args(["--size", "160x128", "--size", "128x160"])
        .arg(folder)
        .output()
        .expect("the command line tool");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    let added: serde_json::Value = serde_json::from_str(&text(&output)).expect("JSON");
    for graph in added["graphs"].as_array().expect("graphs") {
        assert!(
            graph["difference"].as_f64().expect("a number") < 1e-4,
            "{graph}"
        );
    }
    added["digest"].as_str().expect("a digest").to_owned()
}

fn tool(store: &Path) -> Command {
    let mut command = Command::new(program("seedmark"));
    command
        .env("SEEDMARK_MODELS", store)
        .env("XDG_CONFIG_HOME", store);
    command
}

fn reproduce(store: &Path, bundle: &str) -> Output {
    let file = store.join("bought.seedmark");
    std::fs::write(&file, bundle).expect("written");
    let mut command = tool(store);
    command.arg("reproduce").arg(&file);
    command.output().expect("the command line tool")
}

#[tokio::test]
async fn an_added_model_is_used_sealed_certified_bought_and_made_again_by_whoever_has_it() {
    let mut server = Server::start(Database::Sqlite);
    let digest = add(&server.folder.path().join("models"));
    server.kill_and_restart();
    let base = server.url("");
    let creator = Browser::open(true).await;
    creator.sign_up(&base, "ada").await;
    let template = "{mood} face, oil painting";
    let listing = submit_with(&creator, &base, "4.00", template, async |browser| {
        // The page lists the sizes of the model that it was drawn for; saved, it lists those of the one that was chosen.
        browser
            .click(&format!("#model option[value='{digest}']"))
            .await;
        browser.follow("#save-draft").await;
        browser.see(".flash").await;
        browser.see("#size option[value='160x128']:checked").await;
        browser.click("#size option[value='128x160']").await;
        browser
            .click("#sampler option[value='DPM++ 2M Karras']")
            .await;
        browser.click("#clip-skip option[value='1']").await;
        browser.click("#weights").await;
        browser
            .fill("#template", "({mood}:1.3) face, oil painting")
            .await;
    })
    .await;
    creator.see(".listing__price").await;
    let told = creator.text("main").await;
    assert!(told.contains("Tiny Diffusion"), "{told}");
    assert!(told.contains("not inside the program"), "{told}");

    let buyer = Browser::open(true).await;
    buyer.sign_up(&base, "ben").await;
    let line = buy(&buyer, &base, &listing).await;
    buyer.goto(&format!("{base}{line}")).await;
    buyer.follow("#open-recipe").await;
    buyer.see("#own-check[data-state=holds]").await;
    let told = buyer.text("main").await;
    for setting in [
        "DPM++ 2M Karras",
        "One layer is left out",
        "They are weights",
        "128 × 160",
    ] {
        assert!(told.contains(setting), "{setting}: {told}");
    }
    let bundle = buyer.download("#download-bundle").await;
    buyer.follow("#regenerate").await;
    buyer.see("#run[data-outcome=exact]").await;

    // Elsewhere: a folder that has the model, added there from the same files, and one that has not.
    let (with, without) = (tempfile::tempdir(), tempfile::tempdir());
    let (with, without) = (with.expect("a folder"), without.expect("a folder"));
    assert_eq!(
        add(with.path()),
        digest,
        "the same files give the same model"
    );
    let made = reproduce(with.path(), &bundle);
    let told = text(&made);
    assert!(
        made.status.success(),
        "{told}{}",
        String::from_utf8_lossy(&made.stderr)
    );
    assert!(
        told.contains("2 of 2 pictures are equal, bit for bit"),
        "{told}"
    );
    let refused = reproduce(without.path(), &bundle);
    assert_eq!(refused.status.code(), Some(3));
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(
        told.contains(&format!("needs the model {digest}, which is not here")),
        "{told}"
    );
    creator.close().await;
    buyer.close().await;
}

/// A photograph of another shape than the recipe's, with a hole that is to be painted anew.
fn photo(folder: &Path) -> std::path::PathBuf {
    let (width, height) = (200_u32, 120_u32);
    let pixel = |at: u32| {
        let (x, y) = (at % width, at / width);
        let alpha = if x > 100 && y > 60 { 0 } else { 255 };
        [x as u8, (2 * y) as u8, 90, alpha]
    };
    let samples: Vec<u8> = (0..width * height).flat_map(pixel).collect();
    let path = folder.join("photo.png");
    let file = std::fs::File::create(&path).expect("a file");
    let mut encoder = png::Encoder::new(file, width, height);
    encoder.set_color(png::ColorType::Rgba);
    let mut writer = encoder.write_header().expect("a header");
    writer.write_image_data(&samples).expect("written");
    writer.finish().expect("a whole file");
    path
}

#[tokio::test]
async fn a_recipe_that_begins_with_a_picture_takes_it_along_to_whoever_buys_it() {
    let mut server = Server::start(Database::Sqlite);
    let digest = add(&server.folder.path().join("models"));
    server.kill_and_restart();
    let base = server.url("");
    let photo = photo(server.folder.path());
    let creator = Browser::open(true).await;
    creator.sign_up(&base, "ada").await;
    let template = "{mood} face, oil painting";
    let listing = submit_with(&creator, &base, "4.00", template, async |browser| {
        browser.see_none("#begin").await;
        let model = format!("#model option[value='{digest}']");
        browser.click(&model).await;
        browser.follow("#save-draft").await;
        browser.see(".flash").await;
        browser.click("#begin summary").await;
        browser.fill("#title", "Begun with a photograph").await;
        browser.follow("#begin-with").await;
        let told = browser.text("#begin [role=alert]").await;
        assert!(told.contains("Choose a picture first"), "{told}");
        // What was typed was saved before.
        assert_eq!(
            browser.attribute("#title", "value").await,
            "Begun with a photograph"
        );
        let input = browser.see("#start").await;
        let path = photo.to_str().expect("a path");
        input.send_keys(path).await.expect("a chosen file");
        browser.follow("#begin-with").await;
        browser.see("#begin .begin__shot:nth-of-type(2) img").await;
        browser.fill("#strength", "70").await;
        browser.fill("#title", "Two moods").await;
    })
    .await;
    creator.see(".listing__price").await;
    let buyer = Browser::open(true).await;
    buyer.sign_up(&base, "ben").await;
    let line = buy(&buyer, &base, &listing).await;
    buyer.goto(&format!("{base}{line}")).await;
    buyer.follow("#open-recipe").await;
    buyer.see("#own-check[data-state=holds]").await;
    buyer.see("#begun img").await;
    let told = buyer.text("#begun").await;
    assert!(told.contains("70 %"), "as the creator said: {told}");
    let bundle = buyer.download("#download-bundle").await;
    buyer.follow("#regenerate").await;
    buyer.see("#run[data-outcome=exact]").await;

    let folder = tempfile::tempdir().expect("a folder");
    add(folder.path());
    let made = reproduce(folder.path(), &bundle);
    let told = text(&made);
    let noted = String::from_utf8_lossy(&made.stderr).into_owned();
    assert!(made.status.success(), "{told}{noted}");
    assert!(told.contains("✓ starting picture"), "{told}");
    assert!(told.contains("2 of 2 pictures are equal"), "{told}");
    // Without the picture, or with another one, nothing is made and the check says why.
    let mut parsed: serde_json::Value = serde_json::from_str(&bundle).expect("JSON");
    let pictures = parsed["owner"]["pictures"]
        .as_array_mut()
        .expect("pictures");
    assert_eq!(pictures.len(), 2, "the picture and its mask");
    pictures.swap(0, 1);
    let swapped = reproduce(folder.path(), &parsed.to_string());
    assert!(swapped.status.success(), "their pixels tell which is which");
    let pictures = parsed["owner"]["pictures"]
        .as_array_mut()
        .expect("pictures");
    pictures.pop();
    let refused = reproduce(folder.path(), &parsed.to_string());
    assert_eq!(refused.status.code(), Some(1));
    let told = text(&refused);
    assert!(told.contains("✗ starting picture"), "{told}");
    creator.close().await;
    buyer.close().await;
}
