//! Accounts, sessions and keys, on both databases.

use super::service::{
    Error, NewPerson, add_key, find_session, key_message, open_session, sign_in, sign_out, sign_up,
};
use crate::db::tests::databases;
use schema::key::SecretKey;

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
        sign_up(&test.db, ada(), "member", "1.2.3.4")
            .await
            .expect("an account");
        assert!(
            matches!(
                sign_up(&test.db, ada(), "member", "1.2.3.4").await,
                Err(Error::Invalid(_))
            ),
            "{}: taken",
            test.name
        );
        let token = sign_in(&test.db, "ada@example.ORG", "correct horse", "1.2.3.4")
            .await
            .expect("a session");
        let person = find_session(&test.db, &token)
            .await
            .expect("an answer")
            .expect("signed in");
        assert_eq!(person.handle, "ada");
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
        sign_up(&test.db, ada(), "member", "1.2.3.4")
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
                Err(Error::TooMany)
            ),
            "{}",
            test.name
        );
    }
}

#[tokio::test]
async fn a_key_is_registered_with_a_proof_by_one_person_only() {
    for test in databases().await {
        let ada_id = sign_up(&test.db, ada(), "member", "1")
            .await
            .expect("an account");
        let eve =
            NewPerson::parse("eve@example.org", "eve", "correct horse").expect("a valid form");
        let eve_id = sign_up(&test.db, eve, "member", "1")
            .await
            .expect("an account");
        let key = SecretKey::from_bytes([9; 32]);
        let proof = |person: &str| hex::encode(key.sign(&key_message("log.test", person)));
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
                Err(Error::Invalid(_))
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
                Err(Error::KeyTaken)
            ),
            "{}",
            test.name
        );
        assert!(open_session(&test.db, ada_id.as_str()).await.is_ok());
    }
}
