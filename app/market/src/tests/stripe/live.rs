//! Against the real Stripe; opt-in.

use crate::tests::stripe::*;

/// Against the real Stripe, with a test key of one's own: what can be done without a browser. Opt-in, before a release.
#[tokio::test]
#[ignore = "needs STRIPE_TEST_KEY and the network: cargo xtask test stripe runs it when the key is set"]
async fn live_suite_opens_asks_and_is_refused_as_expected() {
    let key = std::env::var("STRIPE_TEST_KEY").expect("STRIPE_TEST_KEY");
    assert!(
        key.starts_with("sk_test_") || key.starts_with("rk_test_"),
        "a test key, never a live one"
    );
    let stripe = Stripe::new(&Settings {
        secret_key: key,
        webhook_secrets: vec![],
        connect_webhook_secrets: vec![],
        automatic_tax: false,
        url: None,
    })
    .expect("a client");
    let order = base::random::id();
    let checkout = Checkout {
        order: order.clone(),
        attempt: 0,
        lines: vec![CheckoutLine {
            line: base::random::id(),
            title: "Fuchs 狐狸".into(),
            amount_minor: 1000,
        }],
        email: Some("buyer@example.com".into()),
        return_url: "https://example.com/orders/1".into(),
        now_ms: 0,
    };
    let CallOutcome::Done(opened) = stripe.open_checkout(&checkout).await else {
        panic!("no page")
    };
    let again = stripe.open_checkout(&checkout).await;
    assert_eq!(again, CallOutcome::Done(opened.clone()), "the same key");
    let open = stripe
        .find_payment(&opened.id)
        .await
        .expect("an answer")
        .expect("it");
    assert_eq!(
        (open.state, open.order.as_str(), open.amount_minor),
        (PaymentState::Open, &*order, 1000)
    );
    assert_eq!(
        stripe.expire_checkout(&opened.id).await,
        CallOutcome::Done(())
    );
    let ended = stripe
        .find_payment(&opened.id)
        .await
        .expect("an answer")
        .expect("it");
    assert_eq!(ended.state, PaymentState::Expired);
    let person = base::random::id();
    let CallOutcome::Done(account) = stripe
        .open_account(&person, "seller@example.com", "DE")
        .await
    else {
        panic!("no account")
    };
    let fresh = stripe
        .get_account(&account)
        .await
        .expect("an answer")
        .expect("it");
    assert!(!fresh.ready && !fresh.requirements.is_empty(), "{fresh:?}");
    let url = stripe
        .onboarding_url(&account, "https://example.com/money")
        .await
        .expect("a link");
    assert!(url.starts_with("https://"), "{url}");
    let refused = stripe
        .transfer(&call(&base::random::id(), &account, 100))
        .await;
    assert!(matches!(refused, CallOutcome::Rejected(_)), "{refused:?}");
    let nobody = stripe
        .refund(&call(&base::random::id(), "ch_none", 100))
        .await;
    assert!(matches!(nobody, CallOutcome::Rejected(_)), "{nobody:?}");
    stripe.balance().await.expect("a balance");
    let hour = base::random::real_now_ms() - 3_600_000;
    stripe.transactions(hour).await.expect("movements");
    let events = stripe.events(hour).await.expect("events");
    assert!(
        events.iter().any(|event| event.object == opened.id),
        "our own checkout"
    );
}
