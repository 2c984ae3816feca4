//! Small inputs that once had a large effect: odd addresses, first starts at once, folders without a shop.

use crate::harness::client::Client;
use crate::harness::server::{Database, Server, program, text};
use std::process::Command;
use std::time::Instant;

#[tokio::test]
async fn odd_addresses_are_answered_by_pages_and_lead_on_where_that_is_meant() {
    for database in [Database::Sqlite, Database::Postgres] {
        let server = Server::start(database);
        let member = Client::member(server.url(""), "ada").await;
        for (path, status) in [
            ("/listings/%FF", 404),
            ("/listings/a%00b", 404),
            ("/listings/%00/progress", 404),
            ("/sets/%00", 404),
            ("/money/sales/%00", 404),
            ("/money/payouts/%00", 404),
            ("/sign-in?next=%2Fa&next=%2Fb", 422),
            ("/money?state=a%00", 422),
            ("/explore?q=%00", 422),
            ("/explore?max=abc&price=free", 400),
            ("/explore?free=1", 400),
            ("/explore?utm_source=newsletter", 200),
        ] {
            let answer = member.get(path).await;
            assert_eq!(answer.status, status, "{path}");
            assert!(answer.body.contains("<html lang="), "{path}");
        }
        // What can be read of a filter stays.
        let filtered = member.get("/explore?max=abc&price=free&q=fox").await;
        for kept in ["value=\"fox\"", "value=\"abc\"", "value=\"free\""] {
            assert!(filtered.body.contains(kept), "{kept}");
        }
        for (path, place) in [
            ("/explore/", "/explore"),
            ("/de/explore/?q=1", "/de/explore?q=1"),
            ("/DE", "/de"),
            ("/zh-CN/explore", "/zh/explore"),
            ("/en/", "/"),
        ] {
            let answer = member.get(path).await;
            assert_eq!(
                (answer.status, answer.header("location")),
                (308, place),
                "{path}"
            );
        }
        let answer = member.get("/explore?q=100%+apples").await;
        assert!(answer.body.contains("value=\"100% apples\""));
    }
}

#[test]
fn first_starts_at_once_make_one_database() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut starting: Vec<_> = (0..6)
        .map(|_| {
            let mut command = Command::new(program("seedmark-server"));
            command.arg("migrate").arg("--data").arg(folder.path());
            command.spawn().expect("the server program")
        })
        .collect();
    for one in &mut starting {
        assert!(one.wait().expect("ended").success());
    }
}

#[test]
fn commands_on_a_folder_without_a_shop_say_so_and_make_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    for command in [
        &["books", "audit"][..],
        &["books", "export", "journal", "--year", "2026"],
        &["operator", "--unproven", "--email", "ada@test.example"],
    ] {
        let mut run = Command::new(program("seedmark-server"));
        let output = run.args(command).arg("--data").arg(folder.path()).output();
        let output = output.expect("the server program");
        assert!(!output.status.success(), "{command:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned() + &text(&output);
        assert!(said.contains("no shop's database"), "{command:?}: {said}");
        assert_eq!(
            std::fs::read_dir(folder.path()).expect("a folder").count(),
            0
        );
    }
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_on_the_machine_reads_what_a_shop_keeps() {
    use std::os::unix::fs::PermissionsExt as _;
    let server = Server::start(Database::Sqlite);
    let _member = Client::member(server.url(""), "ada").await;
    let mut folders = vec![server.folder.path().to_path_buf()];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        let mode = std::fs::metadata(&folder)
            .expect("a folder")
            .permissions()
            .mode();
        assert_eq!(mode & 0o077, 0, "{}", folder.display());
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let entry = entry.expect("an entry");
            let kind = entry.metadata().expect("a kind");
            if kind.is_dir() {
                folders.push(entry.path());
                continue;
            }
            seen += 1;
            let mode = kind.permissions().mode();
            assert_eq!(mode & 0o077, 0, "{}", entry.path().display());
        }
    }
    assert!(seen >= 4, "a database and keys at least");
}

#[test]
fn a_shop_with_nothing_to_do_stops_at_once() {
    for database in [Database::Sqlite, Database::Postgres] {
        let mut server = Server::start(database);
        let begun = Instant::now();
        let told = Command::new("kill")
            .arg(server.process().to_string())
            .status();
        assert!(told.expect("kill").success());
        while !server.has_ended() {
            std::thread::yield_now();
        }
        // Its own limit for what still works is five seconds; an idle shop has nothing to wait for.
        assert!(begun.elapsed().as_secs() < 3, "{:?}", begun.elapsed());
        println!("stopped after {:?}", begun.elapsed());
    }
}
