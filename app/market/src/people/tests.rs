//! Accounts, sessions and keys, on both databases.

use super::service::{
    Error, NewPerson, check_password, find_session, open_session, sign_in, sign_out, sign_up,
};
use crate::log::keys::{self, Ending, add_key};
use crate::testing::{self, Person};
use base::db::{execute, fetch};
use base::lang::Lang;
use base::testing::databases;
use schema::key::{SecretKey, registration_message};
use schema::key_event::{Authority, KeyEndStatement, Reason};
use schema::leaf::LeafKind;

fn ada() -> NewPerson {
    NewPerson::parse("Ada@Example.org", "ada", "correct horse").expect("a valid form")
}

#[test]
fn every_wrong_field_of_a_sign_up_is_reported_at_once() {
    let Err(Error::Invalid(fields)) = NewPerson::parse("nobody", "A B", "short") else {
        panic!("accepted")
    };
    assert_eq!(
        fields
            .iter()
            .map(|field| field.field.as_str())
            .collect::<Vec<_>>(),
        ["email", "handle", "password"]
    );
}

#[tokio::test]
async fn a_person_signs_in_by_any_spelling_of_the_address_and_out_again() {
    for test in databases().await {
        sign_up(&test.db, ada(), "member", Lang::En, "1.2.3.4")
            .await
            .expect("an account");
        assert!(
            matches!(
                sign_up(&test.db, ada(), "member", Lang::En, "1.2.3.4").await,
                Err(Error::Invalid(_))
            ),
            "{}: taken",
            test.name
        );
        let token = sign_in(&test.db, "ada@example.ORG", "correct horse", "1.2.3.4")
            .await
            .expect("a session");
        let session = find_session(&test.db, &token)
            .await
            .expect("an answer")
            .expect("signed in");
        assert_eq!(session.person.handle, "ada");
        sign_out(&test.db, &token).await.expect("signed out");
        assert!(
            find_session(&test.db, &token)
                .await
                .expect("an answer")
                .is_none(),
            "{}",
            test.name
        );
        assert!(
            find_session(&test.db, "guess")
                .await
                .expect("an answer")
                .is_none()
        );
    }
}

#[tokio::test]
async fn wrong_passwords_and_unknown_people_look_alike_and_are_limited() {
    for test in databases().await {
        sign_up(&test.db, ada(), "member", Lang::En, "1.2.3.4")
            .await
            .expect("an account");
        assert!(matches!(
            sign_in(&test.db, "ada@example.org", "wrong horse", "9").await,
            Err(Error::WrongCredentials)
        ));
        assert!(matches!(
            sign_in(&test.db, "eve@example.org", "wrong horse", "9").await,
            Err(Error::WrongCredentials)
        ));
        for _ in 0..9 {
            drop(sign_in(&test.db, "ada@example.org", "wrong horse", "9").await);
        }
        assert!(
            matches!(
                sign_in(&test.db, "ada@example.org", "correct horse", "9").await,
                Err(Error::TooMany(_))
            ),
            "{}",
            test.name
        );
    }
}

#[tokio::test]
async fn a_key_is_registered_with_a_proof_by_one_person_only() {
    for test in databases().await {
        let ada_id = sign_up(&test.db, ada(), "member", Lang::En, "1")
            .await
            .expect("an account");
        let eve =
            NewPerson::parse("eve@example.org", "eve", "correct horse").expect("a valid form");
        let eve_id = sign_up(&test.db, eve, "member", Lang::En, "1")
            .await
            .expect("an account");
        let key = SecretKey::from_bytes([9; 32]);
        let proof = |person: &str| hex::encode(key.sign(&registration_message("log.test", person)));
        let public = key.public().to_string();
        assert!(
            matches!(
                add_key(
                    &test.db,
                    "log.test",
                    eve_id.as_str(),
                    &public,
                    &proof(ada_id.as_str())
                )
                .await,
                Err(keys::Error::Invalid(_))
            ),
            "another's proof"
        );
        for _ in 0..2 {
            add_key(
                &test.db,
                "log.test",
                ada_id.as_str(),
                &public,
                &proof(ada_id.as_str()),
            )
            .await
            .expect("registered");
        }
        assert!(
            matches!(
                add_key(
                    &test.db,
                    "log.test",
                    eve_id.as_str(),
                    &public,
                    &proof(eve_id.as_str())
                )
                .await,
                Err(keys::Error::KeyTaken)
            ),
            "{}",
            test.name
        );
        assert!(open_session(&test.db, ada_id.as_str(), true).await.is_ok());
    }
}

#[tokio::test]
async fn a_key_ends_once_on_its_own_word_or_the_accounts_and_signs_nothing_more() {
    for test in databases().await {
        let log = testing::public_log(&test);
        let ada_id = sign_up(&test.db, ada(), "member", Lang::En, "1")
            .await
            .expect("an account");
        let eve = NewPerson::parse("eve@example.org", "eve", "correct horse").expect("a form");
        let eve_id = sign_up(&test.db, eve, "member", Lang::En, "1")
            .await
            .expect("an account");
        let secret = |byte: u8| SecretKey::from_bytes([byte; 32]);
        let hash = |byte: u8| secret(byte).public().hash().hex();
        let register = async |person: &str, byte: u8| {
            let proof = secret(byte).sign(&registration_message("log.test", person));
            let public = secret(byte).public().to_string();
            add_key(&test.db, "log.test", person, &public, &hex::encode(proof)).await
        };
        for byte in [1, 2, 4] {
            register(ada_id.as_str(), byte).await.expect("registered");
        }
        register(eve_id.as_str(), 5).await.expect("registered");
        let signed = |ends: u8, signer: u8, successor: Option<u8>| {
            let statement = KeyEndStatement {
                key_hash: secret(ends).public().hash(),
                reason: Reason::Routine,
                authority: Authority::Key,
                successor: successor.map(|byte| secret(byte).public()),
            };
            let (envelope, leaf) = statement.sign("log.test", &secret(signer)).expect("signed");
            let ending = Ending::Signed {
                envelope: serde_json::to_string(&envelope).expect("JSON"),
                leaf: hex::encode(leaf.to_bytes()),
            };
            (None, ending)
        };
        let account = |password: &str, successor: &str| {
            let ending = Ending::Account {
                reason: "lost".into(),
                successor: successor.into(),
            };
            (Some(password.to_owned()), ending)
        };
        let end = async |person: &str, byte: u8, (password, ending): (Option<String>, Ending)| {
            if let Some(password) = password {
                check_password(&test.db, person, &password, "1").await?;
            }
            let ended = keys::end(&test.db, &log, person, &hash(byte), ending).await;
            ended.map_err(Error::from)
        };
        let (ada_id, eve_id) = (ada_id.as_str(), eve_id.as_str());
        assert!(
            matches!(
                end(eve_id, 1, signed(1, 1, None)).await,
                Err(Error::NotFound)
            ),
            "another's key"
        );
        assert!(
            matches!(
                end(ada_id, 1, signed(1, 2, None)).await,
                Err(Error::Invalid(_))
            ),
            "by another key"
        );
        assert!(
            matches!(
                end(ada_id, 1, signed(2, 2, None)).await,
                Err(Error::Invalid(_))
            ),
            "of another key"
        );
        assert!(
            matches!(
                end(ada_id, 1, signed(1, 1, Some(5))).await,
                Err(Error::Invalid(_))
            ),
            "a stranger's successor"
        );
        end(ada_id, 1, signed(1, 1, Some(2)))
            .await
            .expect("it ends");
        assert!(
            matches!(
                end(ada_id, 1, signed(1, 1, None)).await,
                Err(Error::Invalid(_))
            ),
            "twice"
        );
        assert!(
            matches!(register(ada_id, 1).await, Err(keys::Error::Invalid(_))),
            "never again"
        );
        assert!(matches!(
            end(ada_id, 2, account("wrong horse", "")).await,
            Err(Error::WrongCredentials)
        ));
        let ended = secret(1).public().to_string();
        assert!(
            matches!(
                end(ada_id, 2, account("correct horse", &ended)).await,
                Err(Error::Invalid(_))
            ),
            "an ended successor"
        );
        end(ada_id, 2, account("correct horse", ""))
            .await
            .expect("it ends");
        let mut tx = test.db.read().await.expect("a transaction");
        let active = keys::list_active(&mut tx, ada_id).await.expect("keys");
        assert_eq!(active, [secret(4).public().to_string()], "{}", test.name);
        let first = keys::find(&mut tx, &hash(1))
            .await
            .expect("a read")
            .expect("a key");
        let second = keys::find(&mut tx, &hash(2))
            .await
            .expect("a read")
            .expect("a key");
        assert_eq!(first.authority.as_deref(), Some("key"));
        assert_eq!(first.successor, Some(secret(2).public().to_string()));
        assert_eq!(second.authority.as_deref(), Some("account"));
    }
}

/// Whoever signs first with a key holds it: its end waits for them, and they for its end.
#[tokio::test]
async fn a_signature_and_the_end_of_its_key_never_pass_each_other() {
    for test in databases().await {
        // SQLite has one writer: a second transaction waits before it has begun.
        if test.name == "sqlite" {
            continue;
        }
        let mut tx = test.db.write().await.expect("a transaction");
        let ada = Person::new("ada").insert(&mut tx).await;
        testing::key(&mut tx, &ada, "k").await;
        let leaf = testing::leaf(&mut tx, LeafKind::KeyEvent, "end", None).await;
        tx.commit().await.expect("a commit");
        let mut signs = test.db.write().await.expect("a transaction");
        assert!(keys::hold(&mut signs, "k").await.expect("held"));
        let db = test.db.clone();
        let ends = tokio::spawn(async move {
            let mut tx = db.write().await.expect("a transaction");
            assert!(keys::hold(&mut tx, "k").await.expect("held"));
            let sql = "insert into key_end (key_hash, leaf_hash, reason, authority, created_ms) values ('k', $1, 'lost', 'key', 1)";
            execute!(&mut tx, sql, &leaf).expect("an end");
            tx.commit().await.expect("a commit");
        });
        let mut waits = 0;
        while waits == 0 {
            let mut tx = test.db.read().await.expect("a transaction");
            let sql = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
            waits = fetch!(&mut tx, fetch_one, (i64,), sql).expect("a count").0;
            assert!(!ends.is_finished(), "the end waits for the signature");
        }
        signs.commit().await.expect("a commit");
        ends.await.expect("then it goes on");
        let mut late = test.db.write().await.expect("a transaction");
        assert!(!keys::hold(&mut late, "k").await.expect("an answer"));
    }
}

#[tokio::test]
async fn a_guest_is_written_to_in_the_language_in_which_they_bought() {
    for test in databases().await {
        let vault = base::vault::Vault::new(&[1; 32]);
        for (lang, path) in [
            (Lang::Zh, "https://shop.test/zh/account/claim/"),
            (Lang::De, "https://shop.test/de/account/claim/"),
            (Lang::En, "https://shop.test/account/claim/"),
        ] {
            let email = format!("{}@example.org", lang.tag());
            let mut tx = test.db.write().await.expect("a transaction");
            let guest = super::guest::open(&mut tx, &email, lang)
                .await
                .expect("a guest");
            super::guest::queue_mail(&mut tx, &vault, &guest, "https://shop.test", true)
                .await
                .expect("queued");
            tx.commit().await.expect("a commit");
            let kinds = [base::mail::SEND];
            let job = base::jobs::claim(&test.db, "w", &kinds, i64::MAX / 2)
                .await
                .expect("a claim")
                .expect("a mail");
            let mut tx = test.db.write().await.expect("a transaction");
            let plain = vault.open(&mut tx, &job.payload, "test", "test", 1).await;
            let mail: base::mail::Mail =
                serde_json::from_slice(&plain.expect("a secret")).expect("a mail");
            assert_eq!(mail.to, email, "{}", test.name);
            assert!(mail.text.contains(path), "{}: {}", test.name, mail.text);
            assert_eq!(mail.subject, lang.text("mail-claim-subject"));
        }
    }
}

#[tokio::test]
async fn a_demo_lets_a_visitor_into_their_purchase_and_nobody_past_a_password() {
    for test in databases().await {
        let mut tx = test.db.write().await.expect("a transaction");
        let guest = super::guest::open(&mut tx, "nele@example.org", Lang::De)
            .await
            .expect("a guest");
        let way = async |tx: &mut base::db::Tx, person: &str| {
            let way = super::guest::demo_way_in(tx, person).await;
            way.expect("an answer")
        };
        let first = way(&mut tx, &guest).await.expect("a way");
        let second = way(&mut tx, &guest).await.expect("a way");
        let claim = async |tx: &mut base::db::Tx, way: &str| {
            let token = way.strip_prefix("/account/claim/").expect("a link");
            let found = super::guest::find_claim(tx, token).await;
            found.expect("an answer")
        };
        assert_eq!(claim(&mut tx, &first).await, None, "a newer one is there");
        assert_eq!(claim(&mut tx, &second).await, Some(true), "{}", test.name);
        tx.commit().await.expect("a commit");
        let id = sign_up(&test.db, ada(), "member", Lang::En, "1.2.3.4").await;
        let id = id.expect("an account");
        let mut tx = test.db.write().await.expect("a transaction");
        assert_eq!(way(&mut tx, id.as_str()).await, None);
        // Whoever types somebody's address does not get their account by it, though they never showed that it is theirs.
        let guest = super::guest::open(&mut tx, "ada@example.org", Lang::En).await;
        assert_eq!(way(&mut tx, &guest.expect("a guest")).await, None);
    }
}

#[tokio::test]
async fn sessions_and_mailed_links_that_are_over_are_forgotten_and_others_stay() {
    for test in databases().await {
        let id = sign_up(&test.db, ada(), "member", Lang::En, "1.2.3.4")
            .await
            .expect("an account");
        let kept = open_session(&test.db, id.as_str(), true)
            .await
            .expect("a session");
        let over = open_session(&test.db, id.as_str(), true)
            .await
            .expect("a session");
        let mut tx = test.db.write().await.expect("a transaction");
        let hash = super::service::token_hash(&over);
        base::db::execute!(
            &mut tx,
            "update session set expires_ms = 1 where id_hash = $1",
            &hash
        )
        .expect("aged");
        super::service::sweep(&mut tx).await.expect("swept");
        tx.commit().await.expect("a commit");
        assert!(
            find_session(&test.db, &kept)
                .await
                .expect("an answer")
                .is_some()
        );
        let mut tx = test.db.read().await.expect("a transaction");
        let rows = base::db::fetch!(&mut tx, fetch_one, (i64,), "select count(*) from session")
            .expect("a count");
        assert_eq!(rows.0, 1, "{}", test.name);
    }
}
