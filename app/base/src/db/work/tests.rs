//! Deadlines, visitors who leave, and connections that nobody else can take.

use super::*;
use crate::db::{Tx, execute, fetch};
use crate::testing::{TestDb, databases};

/// Counts for longer than anybody waits.
const ENDLESS: &str = "with recursive n (i) as (select cast(1 as bigint) union all select i + 1 from n) select count(*) from n";
const INSERT: &str = "insert into setting (name, value) values ('a', 'b')";
const COUNT: &str = "select count(*) from setting where name = 'a'";

/// Work that is over soon.
fn short() -> Work {
    Work {
        class: Class::Page,
        ends: Instant::now().checked_add(Duration::from_millis(200)),
        left: None,
        commits: std::sync::Arc::default(),
        writing: None,
    }
}

#[tokio::test]
async fn a_request_that_writes_within_its_own_write_is_refused_at_once_and_holds_nobody_up() {
    for test in databases().await {
        let (work, _visitor) = Work::for_request(Class::Page, false);
        let done = work.run(async {
            let mut outer = test.db.write().await?;
            execute!(&mut outer, INSERT)?;
            let inner = test.db.write().await.err().expect("it would wait for ever");
            assert!(inner.to_string().contains("within another one"), "{inner}");
            outer.commit().await?;
            test.db.write().await?.commit().await
        });
        done.await.expect("one after the other is no harm");
        assert_eq!(rows(&test).await, 1, "{}", test.name);
    }
}

async fn count_endlessly(tx: &mut Tx) -> Result<(i64,)> {
    fetch!(tx, fetch_one, (i64,), ENDLESS)
}

async fn rows(test: &TestDb) -> i64 {
    let mut tx = test.db.read().await.expect("a transaction");
    fetch!(&mut tx, fetch_one, (i64,), COUNT)
        .expect("a count")
        .0
}

#[tokio::test]
async fn a_statement_past_its_deadline_is_interrupted_and_frees_its_connection() {
    for test in databases().await {
        // More often than there are connections.
        for _ in 0..10 {
            let ended = short().run(async {
                let mut tx = test.db.read().await?;
                count_endlessly(&mut tx).await
            });
            let error = ended.await.expect_err("it has no end");
            assert!(error.is_out_of_time(), "{}: {error}", test.name);
        }
    }
}

#[tokio::test]
async fn a_write_past_its_deadline_is_undone_and_the_next_one_is_taken() {
    for test in databases().await {
        for _ in 0..3 {
            let ended = short().run(async {
                let mut tx = test.db.write().await?;
                execute!(&mut tx, INSERT)?;
                count_endlessly(&mut tx).await?;
                tx.commit().await
            });
            let error = ended.await.expect_err("it has no end");
            assert!(error.is_out_of_time(), "{}: {error}", test.name);
            assert_eq!(rows(&test).await, 0, "{}", test.name);
        }
        // One that changes rows is interrupted with its whole transaction.
        let ended = short().run(async {
            let mut tx = test.db.write().await?;
            execute!(&mut tx, INSERT)?;
            execute!(
                &mut tx,
                "insert into setting (name, value) with recursive n (i) as (select cast(1 as bigint) union all select i + 1 from n) select cast(i as text), '' from n"
            )?;
            tx.commit().await
        });
        let error = ended.await.expect_err("it has no end");
        assert!(error.is_out_of_time(), "{}: {error}", test.name);
        let mut tx = test.db.write().await.expect("the writer is free");
        execute!(&mut tx, INSERT).expect("a row");
        tx.commit().await.expect("a commit");
        assert_eq!(rows(&test).await, 1, "{}", test.name);
    }
}

#[tokio::test]
async fn a_page_that_nobody_waits_for_ends_and_a_form_goes_on() {
    for test in databases().await {
        let (work, visitor) = Work::for_request(Class::Page, true);
        let db = test.db.clone();
        let (began, begun) = tokio::sync::oneshot::channel();
        let page = tokio::spawn(work.run(async move {
            let mut tx = db.read().await?;
            fetch!(&mut tx, fetch_one, (i64,), COUNT)?;
            began.send(()).expect("the test waits");
            // PostgreSQL is asked between statements, SQLite within one as well.
            match db.is_postgres() {
                true => loop {
                    fetch!(&mut tx, fetch_one, (i64,), COUNT)?;
                },
                false => count_endlessly(&mut tx).await,
            }
        }));
        begun.await.expect("it reads");
        drop(visitor);
        let ended: Result<(i64,)> = page.await.expect("no panic");
        let error = ended.expect_err("nobody waits");
        assert!(error.is_out_of_time(), "{}: {error}", test.name);

        let (work, visitor) = Work::for_request(Class::Page, false);
        drop(visitor);
        let form = work.run(async {
            let mut tx = test.db.write().await?;
            execute!(&mut tx, INSERT)?;
            tx.commit().await
        });
        form.await.expect("what was sent is done");
    }
}

#[tokio::test]
async fn pages_buyers_jobs_and_what_must_go_on_cannot_take_each_others_connections() {
    for test in databases().await {
        let mut held = Vec::new();
        let mut free = vec![Class::Page, Class::Till, Class::Background];
        while !free.is_empty() {
            let taken = free.remove(0);
            // So many that the next one would have to wait.
            while let Ok(Ok(tx)) = tokio::time::timeout(
                Duration::from_millis(500),
                Work::of(taken).run(test.db.read()),
            )
            .await
            {
                held.push(tx);
                assert!(held.len() < 64, "{}: there is no bound", test.name);
            }
            for other in free.iter().copied().chain([Class::Essential]) {
                let own = Work::of(other).run(test.db.read()).await;
                let mut own = own.expect("a connection of its own");
                fetch!(&mut own, fetch_one, (i64,), COUNT).expect("an answer");
            }
        }
        assert!(held.len() >= 6, "{}: {}", test.name, held.len());
    }
}

#[tokio::test]
async fn whoever_looks_around_leaves_turns_to_whoever_buys() {
    for test in databases().await {
        let till = || Work::for_request(Class::Till, true);
        let (work, _visitor) = till();
        let buying = work.run(test.db.read()).await.expect("a transaction");
        let mut looking = Vec::new();
        // There are fewer turns than connections, however many processors there are.
        let refused = loop {
            match short().run(test.db.read()).await {
                Ok(tx) => looking.push(tx),
                Err(error) => break error,
            }
        };
        assert!(refused.is_out_of_time(), "{refused}");
        assert!(
            (1..=4).contains(&looking.len()),
            "{}: {}",
            test.name,
            looking.len()
        );
        let (work, _visitor) = till();
        let second = work.run(test.db.read()).await;
        drop((second.expect("buyers have their own"), buying));
        let alone = short().run(test.db.read()).await;
        assert!(alone.is_ok(), "{}: nobody buys now", test.name);
    }
}
