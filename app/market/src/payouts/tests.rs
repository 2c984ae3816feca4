//! Onboarding, and the reason by name why somebody is not paid, on both databases.

use super::service::provider_account::{self, note_account, set_paused};
use super::service::sweep::plan_for;
use super::service::{self as payouts, MONTH_MS, WEEK_MS};
use crate::orders::RETURN_MS;
use crate::sales::Bearer;
use crate::testing::{Shop, shop};
use base::clock::DAY_MS;
use base::testing::{TestDb, databases};
use money::Error;
use money::provider::{Account, Payout, PayoutState, sandbox};

const MINIMUM_MINOR: i64 = 2500;

/// What the next run would do for a seller now, and until when.
async fn next(shop: &Shop, seller: usize) -> (&'static str, Option<i64>) {
    let mut tx = shop.till.db.read().await.expect("a transaction");
    let planned = plan_for(&mut tx, &shop.sellers[seller], MINIMUM_MINOR, shop.now_ms).await;
    let planned = planned.expect("a plan");
    assert_eq!(planned.pays(), matches!(planned.outcome, "paid" | "manual"));
    (planned.outcome, planned.until_ms)
}

async fn account_of(shop: &Shop, seller: usize) -> String {
    let mut tx = shop.till.db.read().await.expect("a transaction");
    let payee = payouts::find_payee(&mut tx, &shop.sellers[seller]).await;
    payee.expect("an answer").expect("a payee").provider_account
}

/// The provider says how a seller's account stands.
async fn told(shop: &Shop, seller: usize, ready: bool, asks: &[&str], disabled: Option<&str>) {
    let account = Account {
        id: account_of(shop, seller).await,
        ready,
        requirements: asks.iter().map(|name| (*name).to_owned()).collect(),
        disabled: disabled.map(Into::into),
    };
    let mut tx = shop.till.db.write().await.expect("a transaction");
    let noted = note_account(&mut tx, &account, false).await;
    noted.expect("a note");
    tx.commit().await.expect("a commit");
}

async fn pause(shop: &Shop, seller: usize, by: &str, paused: bool) {
    let mut tx = shop.till.db.write().await.expect("a transaction");
    let set = set_paused(&mut tx, &shop.sellers[seller], by, paused).await;
    set.expect("a note");
    tx.commit().await.expect("a commit");
}

async fn begin(shop: &Shop, seller: usize, country: &str) -> Result<String, Error> {
    let (db, provider) = (&shop.till.db, shop.till.provider.as_ref());
    let person = &shop.sellers[seller];
    payouts::start_onboarding(db, provider, person, "", country, "", shop.now_ms).await
}

#[tokio::test]
async fn a_sale_is_not_paid_before_its_hold_is_over_and_somebody_says_where_to() {
    for test in databases().await {
        let mut shop = shop(&test).await;
        assert_eq!(next(&shop, 1).await, ("nothing_due", None), "{}", test.name);
        shop.sell(0, 2).await;
        let until = Some(shop.now_ms + RETURN_MS);
        assert_eq!(next(&shop, 1).await, ("hold_until", until), "{}", test.name);
        shop.advance(14).await;
        assert_eq!(next(&shop, 1).await, ("not_onboarded", None));
        shop.start_onboarding(1).await;
        assert_eq!(next(&shop, 1).await, ("requirements_due", None));
        // What the provider asks for goes before what it forbids.
        told(&shop, 1, false, &["iban"], Some("listed")).await;
        assert_eq!(next(&shop, 1).await, ("requirements_due", None));
        told(&shop, 1, false, &[], Some("listed")).await;
        assert_eq!(next(&shop, 1).await, ("payouts_disabled", None));
        told(&shop, 1, false, &[], None).await;
        assert_eq!(next(&shop, 1).await, ("not_onboarded", None));
        assert_eq!(shop.sweep(shop.now_ms).await, 0, "{}", test.name);
        shop.onboard(1).await;
        assert_eq!(next(&shop, 1).await, ("paid", None), "{}", test.name);
        assert_eq!(shop.sweep(shop.now_ms).await, 1, "{}", test.name);
        assert_eq!(shop.sweep(shop.now_ms).await, 0, "{}: once", test.name);
        shop.drain().await;
        shop.check_settled(test.name).await;
    }
}

#[tokio::test]
async fn a_pause_is_ended_by_who_began_it_and_by_nobody_else() {
    for test in databases().await {
        let mut shop = shop(&test).await;
        shop.onboard(1).await;
        shop.sell(0, 2).await;
        shop.advance(14).await;
        for (first, second, named) in [
            ("paused_by_seller", "paused_by_us", "paused_by_seller"),
            ("paused_by_us", "paused_by_seller", "paused_by_us"),
            ("bank_rejected", "paused_by_seller", "bank_rejected"),
        ] {
            pause(&shop, 1, first, true).await;
            pause(&shop, 1, second, true).await;
            assert_eq!(next(&shop, 1).await, (named, None), "{}", test.name);
            assert_eq!(shop.sweep(shop.now_ms).await, 0, "{}", test.name);
            pause(&shop, 1, second, false).await;
            assert_eq!(next(&shop, 1).await, (named, None), "{}", test.name);
            // Nobody else's.
            pause(&shop, 0, first, false).await;
            assert_eq!(next(&shop, 1).await, (named, None), "{}", test.name);
            pause(&shop, 1, first, false).await;
            assert_eq!(next(&shop, 1).await, ("paid", None), "{}", test.name);
        }
    }
}

#[tokio::test]
async fn whoever_was_paid_waits_a_week_for_the_next_payout() {
    for test in databases().await {
        let mut shop = shop(&test).await;
        shop.onboard(1).await;
        shop.sell(0, 2).await;
        shop.advance(5).await;
        shop.sell(1, 2).await;
        shop.advance(9).await;
        assert_eq!(shop.sweep(shop.now_ms).await, 1, "{}", test.name);
        let paid_ms = shop.now_ms;
        shop.drain().await;
        shop.advance(5).await;
        let weekly = ("weekly", Some(paid_ms + WEEK_MS));
        assert_eq!(next(&shop, 1).await, weekly, "{}", test.name);
        assert_eq!(shop.sweep(shop.now_ms).await, 0, "{}", test.name);
        shop.now_ms = paid_ms + WEEK_MS - 1;
        assert_eq!(next(&shop, 1).await, weekly, "{}", test.name);
        shop.now_ms += 1;
        assert_eq!(next(&shop, 1).await, ("paid", None), "{}", test.name);
    }
}

#[tokio::test]
async fn a_small_sum_waits_a_month_from_the_first_sale_and_no_longer() {
    for test in databases().await {
        let mut shop = shop(&test).await;
        shop.onboard(0).await;
        shop.sell(0, 1).await;
        let until_ms = shop.now_ms + MONTH_MS;
        shop.advance(14).await;
        let small = ("below_minimum", Some(until_ms));
        assert_eq!(next(&shop, 0).await, small, "{}", test.name);
        assert_eq!(shop.sweep(shop.now_ms).await, 0, "{}", test.name);
        shop.now_ms = until_ms - 1;
        assert_eq!(next(&shop, 0).await, small, "{}", test.name);
        shop.now_ms = until_ms;
        assert_eq!(next(&shop, 0).await, ("paid", None), "{}", test.name);
        assert_eq!(shop.sweep(shop.now_ms).await, 1, "{}", test.name);
        shop.drain().await;
        shop.check_settled(test.name).await;
    }
}

#[tokio::test]
async fn who_owes_us_is_not_paid_and_what_is_disputed_is_named_so() {
    for test in databases().await {
        let mut shop = shop(&test).await;
        shop.onboard(1).await;
        let order = shop.sell(0, 2).await;
        shop.advance(14).await;
        assert_eq!(shop.sweep(shop.now_ms).await, 1, "{}", test.name);
        shop.drain().await;
        // It is at the bank by now: asking it back is refused.
        shop.advance(1).await;
        shop.advance(2).await;
        shop.drain().await;
        let line = shop.lines(&order).await.remove(0);
        shop.refund(&line, Bearer::Creator).await;
        shop.drain().await;
        assert_eq!(next(&shop, 1).await, ("owes_us", None), "{}", test.name);
        assert_eq!(shop.sweep(shop.now_ms).await, 0, "{}", test.name);

        let order = shop.order(1, &[0]).await.expect("an order");
        shop.pay(&order, "4000000000002685").await;
        shop.drain().await;
        shop.advance(1).await;
        shop.drain().await;
        assert!(shop.balances(0).await.frozen > 0, "{}", test.name);
        assert_eq!(next(&shop, 0).await, ("disputed", None), "{}", test.name);
    }
}

#[tokio::test]
async fn a_country_that_the_provider_does_not_reach_is_refused_and_leaves_nothing_behind() {
    for test in databases().await {
        let shop = shop(&test).await;
        for country in ["CN", "XX", "us", ""] {
            let refused = begin(&shop, 0, country).await;
            assert!(
                matches!(refused, Err(Error::Refused("country-unsupported"))),
                "{} {country}: {refused:?}",
                test.name
            );
        }
        let mut tx = test.db.read().await.expect("a transaction");
        let payee = payouts::find_payee(&mut tx, &shop.sellers[0]).await;
        assert_eq!(payee.expect("an answer"), None, "{}", test.name);
    }
}

#[tokio::test]
async fn who_begins_again_goes_on_where_they_were_and_who_moves_begins_anew() {
    for test in databases().await {
        let shop = shop(&test).await;
        let first = begin(&shop, 0, "DE").await.expect("a page");
        let account = account_of(&shop, 0).await;
        assert_eq!(begin(&shop, 0, "DE").await.expect("a page"), first);
        assert_eq!(account_of(&shop, 0).await, account, "{}", test.name);
        told(&shop, 0, true, &[], None).await;
        begin(&shop, 0, "FR").await.expect("a page");
        let moved = account_of(&shop, 0).await;
        assert_ne!(moved, account, "{}", test.name);
        let mut tx = test.db.read().await.expect("a transaction");
        let payee = payouts::find_payee(&mut tx, &shop.sellers[0]).await;
        let payee = payee.expect("an answer").expect("a payee");
        assert!(!payee.ready, "{}: a new account proves nothing", test.name);
        assert_eq!(payee.required().collect::<Vec<_>>(), ["holder", "bank"]);
        drop(tx);
        // The other seller's is their own.
        begin(&shop, 1, "DE").await.expect("a page");
        assert_ne!(account_of(&shop, 1).await, account, "{}", test.name);
    }
}

#[tokio::test]
async fn an_answer_that_the_provider_does_not_take_says_what_is_missing_and_pays_nobody() {
    for test in databases().await {
        let mut shop = shop(&test).await;
        shop.sell(0, 2).await;
        shop.advance(14).await;
        let ben = shop.sellers[1].clone();
        for (holder, bank, missing) in [
            ("", "000123456789", "holder"),
            ("Ben", "12", "bank"),
            ("Ben", "00012345678901234567890", "bank"),
            ("Ben", "00012345678x", "bank"),
        ] {
            let asked = payouts::onboard(&test.db, &ben, holder, bank, shop.now_ms).await;
            assert_eq!(asked.expect("an answer"), Some(missing), "{}", test.name);
            assert_eq!(next(&shop, 1).await, ("requirements_due", None));
            assert_eq!(shop.sweep(shop.now_ms).await, 0, "{}", test.name);
        }
        shop.onboard(1).await;
        assert_eq!(next(&shop, 1).await, ("paid", None), "{}", test.name);
    }
}

/// A payout of 25.49 as the provider tells it.
fn payout(account: &str, state: PayoutState) -> Payout {
    Payout {
        id: "po-told".into(),
        account: account.into(),
        amount_minor: 2549,
        state,
        failure: (state == PayoutState::Failed).then(|| "account_closed".into()),
        arrives_ms: 1,
    }
}

/// A shop whose second seller has 25.49 at the provider.
async fn transferred(test: &TestDb) -> Shop {
    let mut shop = shop(test).await;
    shop.onboard(1).await;
    shop.sell(0, 2).await;
    shop.advance(14).await;
    assert_eq!(shop.sweep(shop.now_ms).await, 1, "{}", test.name);
    shop.drain().await;
    shop
}

#[tokio::test]
async fn a_payout_is_booked_once_and_what_fails_after_it_was_paid_comes_back_once() {
    for test in databases().await {
        let shop = transferred(&test).await;
        let account = account_of(&shop, 1).await;
        let note = async |state| {
            let mut tx = money::books::begin(&test.db).await.expect("a transaction");
            let told = payout(&account, state);
            let noted = payouts::note_payout(&mut tx, &told, sandbox::NAME, shop.now_ms).await;
            noted.expect("a note");
            tx.commit().await.expect("a commit");
            shop.balances(1).await.paid
        };
        use PayoutState::{Failed, Paid, Pending};
        // Late and repeated news, as webhooks bring them.
        for (state, paid) in [
            (Pending, 0),
            (Paid, 2549),
            (Paid, 2549),
            (Pending, 2549),
            (Failed, 0),
            (Failed, 0),
            (Paid, 0),
        ] {
            assert_eq!(note(state).await, paid, "{} {state:?}", test.name);
        }
        shop.check(test.name).await;
        let mut tx = test.db.read().await.expect("a transaction");
        let payee = payouts::find_payee(&mut tx, &shop.sellers[1]).await;
        let payee = payee.expect("an answer").expect("a payee");
        assert_eq!(payee.paused.as_deref(), Some("bank_rejected"));
    }
}

#[tokio::test]
async fn a_payout_of_an_account_of_nobody_is_an_error_and_books_nothing() {
    for test in databases().await {
        let shop = transferred(&test).await;
        let mut tx = money::books::begin(&test.db).await.expect("a transaction");
        let told = payout("acct-nobody", PayoutState::Paid);
        let noted = payouts::note_payout(&mut tx, &told, sandbox::NAME, shop.now_ms).await;
        assert!(matches!(noted, Err(Error::Internal(_))), "{}", test.name);
        drop(tx);
        shop.check(test.name).await;
    }
}

#[tokio::test]
async fn where_the_money_goes_is_forgotten_for_one_person_alone() {
    for test in databases().await {
        let shop = shop(&test).await;
        for seller in [0, 1] {
            shop.onboard(seller).await;
        }
        let mut tx = test.db.write().await.expect("a transaction");
        for _ in 0..2 {
            provider_account::forget(&mut tx, &shop.sellers[0])
                .await
                .expect("gone");
        }
        for (seller, known) in [(0, false), (1, true)] {
            let payee = payouts::find_payee(&mut tx, &shop.sellers[seller]).await;
            let payee = payee.expect("an answer");
            assert_eq!(payee.is_some(), known, "{}", test.name);
            assert_eq!(
                provider_account::is_set_up(payee.as_ref()),
                known,
                "{}",
                test.name
            );
        }
        tx.commit().await.expect("a commit");
        // It is another account next time: what was entered must not come back.
        shop.start_onboarding(0).await;
        let mut tx = test.db.read().await.expect("a transaction");
        let payee = payouts::find_payee(&mut tx, &shop.sellers[0]).await;
        assert!(!payee.expect("an answer").expect("a payee").ready);
    }
}

#[tokio::test]
async fn a_reason_is_written_down_once_for_as_long_as_it_stays_the_reason() {
    for test in databases().await {
        let mut shop = shop(&test).await;
        shop.sell(0, 2).await;
        for _ in 0..3 {
            assert_eq!(shop.sweep(shop.now_ms).await, 0, "{}", test.name);
        }
        shop.advance(14).await;
        for _ in 0..3 {
            assert_eq!(shop.sweep(shop.now_ms).await, 0, "{}", test.name);
            shop.now_ms += DAY_MS;
        }
        let mut tx = test.db.read().await.expect("a transaction");
        let found = payouts::sweep::list_recent(&mut tx, 10).await;
        let outcomes: Vec<_> = found
            .expect("decisions")
            .into_iter()
            .filter(|(_, handle)| handle == "ben")
            .map(|(decision, _)| decision.outcome.clone())
            .collect();
        assert_eq!(outcomes, ["not_onboarded", "hold_until"], "{}", test.name);
    }
}
