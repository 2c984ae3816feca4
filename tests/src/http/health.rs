//! Each part of a running shop is broken, and health, readiness and the operator's desk say which.

use crate::harness::client::Client;
use crate::harness::server::{Database, Server};
use crate::harness::{PATIENCE, is_so, until};
use serde_json::Value;

/// Waits until every part is well.
async fn well(visitor: &Client) {
    until(PATIENCE, async || {
        let answer = visitor.get("/healthz").await;
        is_so(answer.status == 200, answer.body)
    })
    .await;
}

/// What `/healthz` says once a part is as it should be.
async fn told(visitor: &Client, part: &str, state: &str) -> (u16, Value) {
    // A write is tried every five seconds, and given up after ten.
    until(PATIENCE, async || {
        let answer = visitor.try_get("/healthz").await;
        let answer = answer.ok_or("no answer".to_owned())?;
        let told: Value = serde_json::from_str(&answer.body).expect("JSON");
        match told["parts"][part]["state"] == state {
            true => Ok((answer.status, told)),
            false => Err(format!("{part} is not {state}: {told}")),
        }
    })
    .await
}

async fn desk_says(operator: &Client, part: &str, state: &str) {
    let desk = operator.get("/operator").await;
    let row = format!("data-part=\"{part}\" data-state=\"{state}\"");
    assert!(desk.body.contains(&row), "{part} {state}: {}", desk.status);
}

#[tokio::test]
async fn what_does_not_work_is_named_and_heals_by_itself() {
    let server = Server::start(Database::Postgres);
    let visitor = Client::new(server.url(""));
    let operator = Client::member(server.url(""), "ada").await;
    let made = server.command(&["operator", "--unproven", "--email", "ada@test.example"]);
    assert!(made.status.success());
    assert_eq!(told(&visitor, "writes", "ok").await.0, 200);
    desk_says(&operator, "recurring", "ok").await;

    // Late work is no reason to be restarted.
    server.sql("insert into recurring (kind, next_ms) values ('nobody', 1)");
    let (status, health) = told(&visitor, "recurring", "degraded").await;
    assert_eq!((status, &health["status"]), (200, &"degraded".into()));
    desk_says(&operator, "recurring", "degraded").await;
    server.sql("delete from recurring where kind = 'nobody'");
    server.sql("insert into job (id, kind, unique_key, payload, state, run_at_ms, attempts, created_ms, queue, class, turn, cost) values ('j', 'nobody', 'j', '', 'waiting', 1, 0, 1, 'quick', 0, 0, 0)");
    assert_eq!(told(&visitor, "jobs", "degraded").await.0, 200);
    desk_says(&operator, "jobs", "degraded").await;
    server.sql("delete from job where id = 'j'");
    told(&visitor, "jobs", "ok").await;

    // A database that may only be read, as a standby or a full disk leaves it.
    let name = "(select current_database())";
    let cut = format!(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = {name} and pid <> pg_backend_pid()"
    );
    let set = |value: &str| {
        format!(
            "do $$ begin execute format('alter database %I set default_transaction_read_only = {value}', current_database()); end $$"
        )
    };
    server.sql(&set("on"));
    server.sql(&cut);
    let (status, health) = told(&visitor, "writes", "failing").await;
    assert_eq!(status, 503, "{health}");
    assert_eq!(health["parts"]["database"]["state"], "ok", "{health}");
    assert_eq!(
        visitor.get("/readyz").await.status,
        200,
        "it still shows pages"
    );
    server.sql(&format!("begin read write; {}; commit", set("off")));
    server.sql(&cut);
    told(&visitor, "writes", "ok").await;
    // The log may have met a connection that was cut, and says so until its next turn.
    well(&visitor).await;

    // A log that cannot be read.
    let (log, aside) = (
        server.folder.path().join("log"),
        server.folder.path().join("aside"),
    );
    std::fs::rename(&log, &aside).expect("moved");
    // A file in its place, or the sequencer would make the folder again.
    std::fs::write(&log, "not a folder").expect("written");
    assert_eq!(told(&visitor, "log", "failing").await.0, 503);
    assert_eq!(visitor.get("/readyz").await.status, 503);
    desk_says(&operator, "log", "failing").await;
    std::fs::remove_file(&log).expect("removed");
    std::fs::rename(&aside, &log).expect("put back");
    assert_eq!(told(&visitor, "log", "ok").await.0, 200);
}

#[tokio::test]
async fn a_disk_that_is_nearly_full_is_named() {
    let mut server = Server::start(Database::Sqlite);
    let visitor = Client::new(server.url(""));
    assert_eq!(told(&visitor, "disk", "ok").await.0, 200);
    server.stop();
    server.set("SEEDMARK_LEAST_FREE_MIB", "1000000000");
    server.start_again();
    visitor.move_to(server.url(""));
    assert_eq!(told(&visitor, "disk", "failing").await.0, 503);
    assert_eq!(visitor.get("/readyz").await.status, 200);
}

#[tokio::test]
async fn what_a_wrong_clock_put_a_year_ahead_comes_back() {
    let mut server = Server::start(Database::Postgres);
    server.stop();
    server.sql("update recurring set next_ms = next_ms + 34560000000");
    server.start_again();
    let near = "not exists (select 1 from recurring where next_ms > extract(epoch from now()) * 1000 + 90000000)";
    until(PATIENCE, async || {
        is_so(
            server.holds(near),
            "recurring work stays planned for a year later",
        )
    })
    .await;
}
