//! A data folder that an earlier release left behind opens, and everything in it works.
//!
//! The one rule: `tests/earlier` holds folders as those releases left them, with throw-away keys of the demo; a new one is added when a
//! release goes out, and none is ever made over.

use crate::harness::client::Client;
use crate::harness::server::{Server, root, seedmark, text};
use crate::harness::{PATIENCE, until};
use std::process::Command;

/// The demo's buyer, and the line whose bundle the earlier release opened and regenerated.
const BUYER: [(&str, &str); 2] = [
    ("email", "buyer@demo.example"),
    ("password", "seedmark-demo"),
];

/// Starts this release on what lies in an archive.
fn opened(archive: &str) -> Server {
    let folder = tempfile::tempdir().expect("a folder");
    let unpacked = Command::new("tar")
        .arg("--extract")
        .arg("--gzip")
        .arg("--file")
        .arg(root().join("tests/earlier").join(archive))
        .arg("--directory")
        .arg(folder.path())
        .status()
        .expect("tar");
    assert!(unpacked.success(), "{archive}");
    Server::start_on(folder)
}

#[tokio::test]
async fn a_folder_of_november_2026_opens_with_its_sales_its_log_and_its_pictures() {
    let server = opened("2026-11-shop.tar.gz");
    let buyer = Client::new(server.url(""));
    assert_eq!(buyer.get("/healthz").await.status, 200);
    let shown = buyer.get("/explore").await.body;
    assert_eq!(
        shown.matches("class=\"listing-card__title").count(),
        3,
        "{shown}"
    );
    assert_eq!(buyer.post("/sign-in", &BUYER).await.status, 303);

    let library = buyer.get("/library").await;
    let lines = regex::Regex::new("/library/([0-9a-f-]{36})\"").expect("a pattern");
    let lines: Vec<String> = lines
        .captures_iter(&library.body)
        .map(|found| found[1].to_owned())
        .collect();
    assert_eq!(lines.len(), 3, "{}", library.body);
    let mut runs = Vec::new();
    for line in &lines {
        let page = buyer.get(&format!("/library/{line}")).await;
        assert_eq!(page.status, 200);
        if page.body.contains("/runs/") {
            runs.push((line, page.find("(/library/[0-9a-f-]+/runs/[0-9a-f-]+)")));
        }
        // A bundle is opened as it is bought: the recipe lies in it, and everything in it holds.
        let opened = buyer.post(&format!("/library/{line}/open"), &[]).await;
        assert_eq!(opened.status, 303);
        let bundle = buyer.get(&format!("/library/{line}/bundle")).await;
        assert_eq!(bundle.status, 200);
        let file = server.folder.path().join(format!("{line}.seedmark"));
        std::fs::write(&file, &bundle.body).expect("written");
        let verified = seedmark(&["verify", &file.to_string_lossy()], server.folder.path());
        assert!(verified.status.success(), "{line}: {}", text(&verified));
    }
    let [(line, earlier)] = &runs[..] else {
        panic!("one line was regenerated: {runs:?}");
    };
    let page = buyer.get(earlier).await;
    assert!(
        page.body.contains("data-outcome=\"exact\""),
        "{}",
        page.body
    );

    // This release makes the same pixels.
    let started = buyer.post(&format!("/library/{line}/runs"), &[]).await;
    assert_eq!(started.status, 303, "{}", started.body);
    let run = started.header("location").to_owned();
    let ended = async || {
        let page = buyer.get(&run).await.body;
        match page.contains("data-outcome=\"") {
            true => Ok(page),
            false => Err(page),
        }
    };
    let done = until(PATIENCE, ended).await;
    assert!(done.contains("data-outcome=\"exact\""), "{done}");

    let audited = server.command(&["books", "audit"]);
    assert!(audited.status.success(), "{}", text(&audited));
}
