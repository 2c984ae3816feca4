//! What leaves as mail and what lies behind meanwhile, on both databases.

use super::{Mail, Mailer, SEND, Smtp, queue, run};
use crate::db::fetch;
use crate::jobs::{self, Job, Outcome};
use crate::testing::{TestDb, databases};
use crate::vault::{self, Vault};
use std::path::PathBuf;

fn mail(to: &str, subject: &str) -> Mail {
    Mail {
        to: to.into(),
        subject: subject.into(),
        text: "https://shop.test/account/claim/secret".into(),
    }
}

fn vault() -> Vault {
    Vault::new(&[1; 32])
}

/// The job of a mail that was queued and committed.
async fn queued(test: &TestDb, mail: &Mail) -> Job {
    let mut tx = test.db.write().await.expect("a transaction");
    queue(&mut tx, &vault(), mail, 1).await.expect("queued");
    tx.commit().await.expect("a commit");
    claimed(test).await.expect("a job")
}

async fn claimed(test: &TestDb) -> Option<Job> {
    let job = jobs::claim(&test.db, "w", &[SEND], i64::MAX / 2).await;
    job.expect("a claim")
}

fn written(test: &TestDb) -> Vec<PathBuf> {
    let folder = std::fs::read_dir(test.folder.path().join("mail"));
    let files = folder.into_iter().flatten();
    files.map(|file| file.expect("a file").path()).collect()
}

fn mailer(test: &TestDb) -> Mailer {
    Mailer::new(None, test.folder.path()).expect("a mailer")
}

/// Whether the vault still holds a mail.
async fn is_kept(test: &TestDb, id: &str) -> bool {
    let mut tx = test.db.read().await.expect("a transaction");
    match vault().open_public(&mut tx, id).await {
        Ok(_) => true,
        Err(vault::Error::Erased(_)) => false,
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_mail_is_queued_with_the_commit_of_what_it_tells_of_and_only_the_vault_knows_its_text() {
    for test in databases().await {
        let letter = mail("ada@test.example", "Hello");
        let mut tx = test.db.write().await.expect("a transaction");
        queue(&mut tx, &vault(), &letter, 1).await.expect("queued");
        drop(tx);
        assert_eq!(claimed(&test).await, None, "{}", test.name);
        let job = queued(&test, &letter).await;
        assert_eq!(claimed(&test).await, None, "{}: once", test.name);
        let mut tx = test.db.read().await.expect("a transaction");
        let sql = "select job.payload || job.unique_key || secret.ciphertext from job join secret on secret.id = job.payload where job.id = $1";
        let row = fetch!(&mut tx, fetch_one, (String,), sql, &job.id).expect("a row");
        assert!(
            !row.0.contains("claim") && !row.0.contains("ada"),
            "{}: {}",
            test.name,
            row.0
        );
    }
}

#[tokio::test]
async fn a_mail_that_was_sent_is_erased_and_its_job_sends_nothing_again() {
    for test in databases().await {
        let job = queued(&test, &mail("ada@test.example", "Hello")).await;
        let send = async || run(&test.db, &vault(), &mailer(&test), &job.payload).await;
        assert!(matches!(send().await, Ok(Outcome::Done)), "{}", test.name);
        let files = written(&test);
        assert_eq!(files.len(), 1, "{}", test.name);
        let text = std::fs::read_to_string(&files[0]).expect("a mail");
        assert!(text.contains("To: ada@test.example\r\n"), "{text}");
        assert!(
            text.contains(&format!("Message-ID: <{}@seedmark>", job.payload)),
            "{text}"
        );
        assert!(!is_kept(&test, &job.payload).await, "{}", test.name);
        // The note that it was sent was lost: the job comes again.
        std::fs::remove_file(&files[0]).expect("removed");
        assert!(matches!(send().await, Ok(Outcome::Done)), "{}", test.name);
        assert!(written(&test).is_empty(), "{}: sent twice", test.name);
        let mut tx = test.db.read().await.expect("a transaction");
        let openings = vault().openings(&mut tx, &job.payload, "platform").await;
        assert_eq!(openings.expect("openings").len(), 1, "{}", test.name);
    }
}

#[tokio::test]
async fn a_mail_that_cannot_leave_is_kept_and_goes_out_when_it_can() {
    for test in databases().await {
        let job = queued(&test, &mail("ada@test.example", "Hello")).await;
        let send = async || run(&test.db, &vault(), &mailer(&test), &job.payload).await;
        let place = test.folder.path().join("mail");
        std::fs::write(&place, "in the way").expect("a file");
        for _ in 0..2 {
            assert!(send().await.is_err(), "{}", test.name);
            assert!(is_kept(&test, &job.payload).await, "{}", test.name);
        }
        std::fs::remove_file(&place).expect("removed");
        assert!(matches!(send().await, Ok(Outcome::Done)), "{}", test.name);
        assert_eq!(written(&test).len(), 1, "{}", test.name);
    }
}

#[tokio::test]
async fn no_subject_adds_a_line_to_the_head_and_no_address_a_second_reader() {
    for test in databases().await {
        for subject in [
            "Hello\r\nBcc: eve@test.example",
            "Hello\nBcc: eve@test.example",
            "Hello\rBcc: eve@test.example",
            "Hello\r\n\r\nBcc: eve@test.example",
        ] {
            let job = queued(&test, &mail("ada@test.example", subject)).await;
            let sent = run(&test.db, &vault(), &mailer(&test), &job.payload).await;
            assert!(matches!(sent, Ok(Outcome::Done)), "{}: {sent:?}", test.name);
            let path = test.folder.path().join(format!("mail/{}.eml", job.payload));
            let text = std::fs::read_to_string(path).expect("a mail");
            let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
            let names: Vec<_> = head
                .split(['\r', '\n'])
                .filter(|line| !line.starts_with([' ', '\t']) && !line.is_empty())
                .filter_map(|line| line.split(':').next())
                .collect();
            assert!(
                !names.iter().any(|name| name.eq_ignore_ascii_case("bcc")),
                "{} {subject:?}: {head}",
                test.name
            );
            assert!(!body.contains("Bcc"), "{} {subject:?}: {body}", test.name);
        }
        let before = written(&test).len();
        for to in [
            "ada@test.example\r\nBcc: eve@test.example",
            "ada@test.example, eve@test.example",
            "nobody",
            "",
        ] {
            let job = queued(&test, &mail(to, "Hello")).await;
            let sent = run(&test.db, &vault(), &mailer(&test), &job.payload).await;
            assert!(sent.is_err(), "{} {to:?}", test.name);
        }
        assert_eq!(written(&test).len(), before, "{}", test.name);
    }
}

#[test]
fn a_setting_that_cannot_be_read_is_named_and_its_password_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    for (url, from, named) in [
        (
            "smtps://post:hunter2@[",
            "post@shop.test",
            "SEEDMARK_SMTP_URL",
        ),
        (
            "http://post:hunter2@shop.test",
            "post@shop.test",
            "SEEDMARK_SMTP_URL",
        ),
        (
            "smtps://post:hunter2@shop.test",
            "nobody",
            "SEEDMARK_MAIL_FROM",
        ),
    ] {
        let smtp = Smtp {
            url: url.into(),
            from: from.into(),
        };
        let refused = Mailer::new(Some(&smtp), folder.path());
        let told = format!("{:#}", refused.err().expect("refused"));
        assert!(told.contains(named), "{url}: {told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
}
