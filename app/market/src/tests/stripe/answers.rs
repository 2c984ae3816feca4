//! What each answer of Stripe means, one call at a time.

use crate::tests::stripe::*;

#[tokio::test]
async fn every_answer_of_the_provider_means_what_it_says() {
    let fake = FakeStripe::start(0, 1_800_000_000).await.expect("a port");
    let stripe = Stripe::new(&settings(&fake)).expect("a client");
    let charge = paid_charge(&fake, &stripe).await;
    let faults = [
        (Fault::BrokenBefore, "unknown", false),
        (Fault::BrokenAfter, "unknown", true),
        (Fault::InUse, "later", false),
        (Fault::TooMany, "later", false),
        (Fault::SavedFailure, "unknown", false),
        (Fault::FailureAfter, "unknown", true),
        (Fault::OddSuccess, "unknown", true),
        (Fault::Revoked, "denied", false),
    ];
    for (number, (fault, expected, happened)) in faults.into_iter().enumerate() {
        fake.world().faults.push_back(("refunds".into(), fault));
        let call = call(&format!("op-{number}"), &charge, 10);
        let outcome = stripe.refund(&call).await;
        let name = match &outcome {
            CallOutcome::Done(_) => "done",
            CallOutcome::Rejected(_) => "rejected",
            CallOutcome::Later(_) => "later",
            CallOutcome::Denied(_) => "denied",
            CallOutcome::Unknown(_) => "unknown",
        };
        assert_eq!(name, expected, "{fault:?}: {outcome:?}");
        let found = stripe.find_refund(&call).await.expect("an answer");
        assert_eq!(found.is_some(), happened, "{fault:?}");
        // The same key again: what happened is not done twice.
        let again = stripe.refund(&call).await;
        match (&again, &found) {
            (CallOutcome::Done(id), Some(known)) => assert_eq!(id, known, "{fault:?}"),
            (CallOutcome::Unknown(_), None) => assert_eq!(fault, Fault::SavedFailure),
            (CallOutcome::Done(_), None) => {}
            _ => panic!("{fault:?}: {again:?}"),
        }
    }
    let other = Call {
        amount_minor: 11,
        ..call("op-1", &charge, 10)
    };
    let mixed = stripe.refund(&other).await;
    assert!(
        matches!(mixed, CallOutcome::Denied(_)),
        "one key, two amounts: {mixed:?}"
    );
    let too_much = stripe.refund(&call("op-x", &charge, 5000)).await;
    assert_eq!(
        too_much,
        CallOutcome::Rejected("charge_already_refunded".into())
    );
    let nobody = stripe.refund(&call("op-y", "ch_none", 1)).await;
    assert_eq!(nobody, CallOutcome::Rejected("resource_missing".into()));
    let unknown = stripe.get_dispute("du_none").await.expect("an answer");
    assert!(unknown.is_none());
    dump(&fake, "answers");
}

#[tokio::test]
async fn a_sellers_account_goes_from_requirements_to_payouts_that_fail() {
    let fake = FakeStripe::start(0, 1_800_000_000).await.expect("a port");
    let stripe = Stripe::new(&settings(&fake)).expect("a client");
    let charge = paid_charge(&fake, &stripe).await;
    let CallOutcome::Done(account) = stripe
        .open_account("person-1", "a@test.example", "DE")
        .await
    else {
        panic!("no account")
    };
    let fresh = stripe
        .get_account(&account)
        .await
        .expect("an answer")
        .expect("it");
    assert!(!fresh.ready && fresh.requirements.len() == 2, "{fresh:?}");
    // `transfers` alone would force the recipient agreement, which Stripe refuses here.
    let opened = fake
        .world()
        .requests
        .iter()
        .find(|sent| sent.path == "accounts")
        .cloned();
    let asked = opened.expect("a request").params["capabilities"].clone();
    for capability in ["card_payments", "transfers"] {
        assert_eq!(asked[capability]["requested"], "true", "{capability}");
    }
    let mut transfer = call("op-t", &account, 800);
    transfer.parameters.charge = Some(charge);
    let early = stripe.transfer(&transfer).await;
    assert_eq!(early, CallOutcome::Rejected("transfers_not_allowed".into()));
    let url = stripe
        .onboarding_url(&account, "http://localhost/money")
        .await
        .expect("a link");
    assert!(url.starts_with("https://connect.stripe.com/"), "{url}");
    fake.world().onboard(&account, "000999999991");
    let ready = stripe
        .get_account(&account)
        .await
        .expect("an answer")
        .expect("it");
    let expected = Account {
        id: account.clone(),
        ready: true,
        requirements: vec![],
        disabled: None,
    };
    assert_eq!(ready, expected);
    // A refusal is saved under its key; a new operation has a new one.
    assert_eq!(stripe.transfer(&transfer).await, early, "the saved answer");
    transfer.key = "op-t2:1".into();
    transfer.operation = "op-t2".into();
    let CallOutcome::Done(sent) = stripe.transfer(&transfer).await else {
        panic!("not sent")
    };
    assert_eq!(
        stripe.find_transfer(&transfer).await.expect("an answer"),
        Some(sent.clone())
    );
    let part = call("op-r", &sent, 300);
    let CallOutcome::Done(back) = stripe.reverse(&part).await else {
        panic!("not reversed")
    };
    assert_eq!(
        stripe.find_reversal(&part).await.expect("an answer"),
        Some(back)
    );
    let mut states = Vec::new();
    for days in [0, 2, 1] {
        fake.world().advance(days * 86_400);
        let payouts = stripe.list_payouts(&account).await.expect("an answer");
        let payout = stripe
            .get_payout(&account, &payouts[payouts.len() - 1].id)
            .await;
        let payout = payout.expect("an answer").expect("it");
        assert_eq!(payout.amount_minor, 500);
        states.push(payout.state);
    }
    assert_eq!(
        states,
        [PayoutState::Pending, PayoutState::Paid, PayoutState::Failed],
        "paid is never final"
    );
    let late = stripe.reverse(&call("op-s", &sent, 600)).await;
    assert!(matches!(late, CallOutcome::Rejected(_)), "{late:?}");
    dump(&fake, "sellers");
}

#[test]
fn what_the_official_sdk_signed_a_moment_ago_is_accepted() {
    // Written by the part `stripe` of the tests, which runs the SDK.
    let Ok(path) = std::env::var("SEEDMARK_STRIPE_SIGNED") else {
        return;
    };
    let text = std::fs::read_to_string(path).expect("what the SDK signed");
    let signed: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let part = |name: &str| signed[name].as_str().expect("text").to_owned();
    let time = signed["timestamp"].as_i64().expect("a time");
    let (header, body) = (part("header"), part("payload"));
    assert_eq!(
        webhook::verify(&header, body.as_bytes(), &[part("secret")], time),
        Ok(())
    );
    assert_eq!(
        webhook::verify(&header, b"{}", &[part("secret")], time),
        Err(webhook::Refusal::Signature)
    );
    assert_eq!(
        webhook::read(body.as_bytes()).expect("an event").id,
        "evt_sdk"
    );
}
