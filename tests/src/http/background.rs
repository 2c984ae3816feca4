//! What an operator sees of work that nobody waits for, and of the books.

use crate::harness::client::Client;
use crate::harness::server::{Database, Server};
use crate::harness::{PATIENCE, is_so, until};

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_recurring_work_is_scheduled_and_shows_its_last_run() {
    let server = Server::start(Database::Postgres);
    let client = Client::member(server.url(""), "ada").await;
    let made = server.command(&["operator", "--unproven", "--email", "ada@test.example"]);
    assert!(made.status.success());
    for kind in [
        "settle",
        "catch-up",
        "payouts",
        "books",
        "counters",
        "catalogue",
        "statistics",
    ] {
        let row = format!("data-kind=\"{kind}\" data-state=\"done\"");
        until(PATIENCE, async || {
            let page = client.get("/operator/background").await.body;
            is_so(page.contains(&row), format!("{kind} never ran: {page}"))
        })
        .await;
    }
    let page = client.get("/operator/background").await.body;
    assert!(page.contains("data-kind=\"log-audit\""), "due in a minute");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_does_not_exist_is_refused_and_not_replaced_by_another() {
    let server = Server::start(Database::Sqlite);
    let client = Client::member(server.url(""), "ada").await;
    let good = "/operator/export?report=tax&year=2026&format=json";
    assert_eq!(client.get(good).await.status, 404, "a member");
    let made = server.command(&["operator", "--unproven", "--email", "ada@test.example"]);
    assert!(made.status.success());
    let file = client.get(good).await;
    assert_eq!(
        (file.status, file.header("content-type")),
        (200, "application/json")
    );
    assert!(file.body.contains("Not tax advice"), "{}", file.body);
    for wrong in [
        "report=tax&year=26&format=csv",
        "report=tax&year=next&format=csv",
        "report=taxes&year=&format=csv",
        "report=tax&year=&format=xml",
        "",
    ] {
        let refused = client.get(&format!("/operator/export?{wrong}")).await;
        assert_eq!(refused.status, 422, "{wrong}");
    }
    let by_command = server.command(&["books", "export", "tax", "--year", "26"]);
    let told = String::from_utf8_lossy(&by_command.stderr).into_owned();
    assert!(
        !by_command.status.success() && told.contains("no year from 1970"),
        "{told}"
    );
}
