//! Sales: what a paid order books, and handing over what was bought.
//!
//! The one rule: nothing is fulfilled by a redirect. The provider is asked how the payment stands, and amount and currency must
//! equal the order's.

use super::refund::{Bearer, plan_refund};
use crate::catalog;
use crate::facts::{self, Fact};
use crate::offers::coupon;
use crate::orders::{self, Earning, Line, Order, OrderState};
use crate::people::guest;
use crate::till::Till;
use base::db::Tx;
use base::random;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use money::Error;
use money::books::Booking;
use money::books::service::{self as books, AccountKind, CURRENCY, Entry, posting};
use money::provider::{Payment, PaymentState};
use schema::digest::Digest;
use schema::id::OrderId;
use schema::licence::{self, Licence, LicenceDocument};
use schema::money::allocate;
use serde::{Deserialize, Serialize};

/// What a buyer's licence consists of, as the vault holds it.
#[derive(Serialize, Deserialize)]
pub struct LicenceSecret {
    /// base64 of the exact document.
    pub document: String,
    /// base64 of 32 bytes.
    pub salt: String,
}

/// Acts on a payment as the provider knows it now: hands over and books once, then the fee and the availability as they become known.
///
/// # Errors
/// When amount, currency or order do not fit; the event waits for a person then.
pub async fn note(
    till: &Till,
    tx: &mut Booking,
    payment: &Payment,
    now_ms: i64,
) -> Result<(), Error> {
    if payment.state == PaymentState::Open {
        return Ok(());
    }
    let order = match OrderId::parse(&payment.order) {
        Ok(order) => order,
        // Another site's, at the same provider.
        Err(_) if payment.state == PaymentState::Expired => return Ok(()),
        Err(_) => {
            let (id, order) = (&payment.id, &payment.order);
            let why = format!("the payment {id} names the order {order:?}");
            return Err(Error::Internal(why));
        }
    };
    match payment.state {
        PaymentState::Open => Ok(()),
        PaymentState::Expired => {
            if orders::note_expired(tx, &order, &payment.id).await? {
                tracing::info!(order.id = %payment.order, "a checkout ended without payment");
            }
            Ok(())
        }
        PaymentState::Paid => {
            fulfil(till, tx, &order, Some(payment), now_ms).await?;
            note_funds(tx, till.provider.name(), payment, now_ms).await
        }
    }
}

async fn note_funds(
    tx: &mut Booking,
    provider: &str,
    payment: &Payment,
    now_ms: i64,
) -> Result<(), Error> {
    let (Some(charge), Some(fee)) = (&payment.charge, payment.fee_minor) else {
        return Ok(());
    };
    let mut post = async |fact: &str, kind: &'static str, postings| {
        let entry = Entry {
            key: format!("txn:{charge}:{fact}"),
            kind,
            source: charge.clone(),
            occurred_ms: now_ms,
            postings,
        };
        books::post(tx, &entry).await
    };
    let fees = vec![
        posting(AccountKind::ExpenseProcessing, provider, fee, None),
        posting(AccountKind::ProcessorPending, provider, -fee, None),
    ];
    post("fee", "fee", fees).await?;
    if payment.available {
        let net = payment.amount_minor - fee;
        let postings = vec![
            posting(AccountKind::ProcessorAvailable, provider, net, None),
            posting(AccountKind::ProcessorPending, provider, -net, None),
        ];
        post("available", "available", postings).await?;
    }
    Ok(())
}

/// Hands over what was bought and books the sale, once, in the caller's transaction.
///
/// # Errors
/// When order and payment do not fit; the event waits for a person then.
pub async fn fulfil(
    till: &Till,
    tx: &mut Booking,
    order_id: &OrderId,
    payment: Option<&Payment>,
    now_ms: i64,
) -> Result<(), Error> {
    let order = orders::get_order(tx, order_id).await?;
    if let Some(payment) = payment {
        check(&order, payment)?;
    }
    // An order that ended and was paid all the same is booked like any other, and then all of it goes back.
    let over = match order.state {
        OrderState::Paid => return Ok(()),
        OrderState::Cancelled => {
            orders::reopen_order(tx, order_id).await?;
            true
        }
        OrderState::Open => false,
    };
    let owner = guest::owner_of(tx, &order.person_id).await?;
    if owner != order.person_id {
        orders::give_order_to(tx, order_id, &owner).await?;
    }
    let invoice = orders::next_invoice(tx).await?;
    if !orders::set_order_paid(tx, order_id, payment, invoice, now_ms).await? {
        return Ok(());
    }
    coupon::note_used(tx, order_id).await?;
    let lines = taxed(orders::list_lines(tx, order_id).await?, payment);
    let mut postings = Vec::new();
    let mut returned = Vec::new();
    for line in &lines {
        orders::set_line_tax(tx, &line.id, line.tax_minor).await?;
        postings.extend(postings_of(line, till.provider.name()));
        // What cannot be handed over is booked and goes straight back to the card.
        if let Some(reason) = obstacle(tx, line, over).await? {
            let line = Line {
                earning: Earning::Held,
                ..line.clone()
            };
            returned.push((line, reason));
            continue;
        }
        let (secret, leaf) = issue_licence(till, tx, line, now_ms).await?;
        let earning = match line.payee_minor > 0 {
            true => Earning::Held,
            false => Earning::None,
        };
        orders::set_line_owned(tx, &line.id, earning, now_ms, &secret, &leaf).await?;
        let sold = Fact::Sold {
            listing: line.listing_id.clone(),
            line: line.id.clone(),
        };
        facts::tell(tx, &sold).await?;
    }
    if let Some(cart) = &order.cart {
        orders::empty_cart_of(tx, order_id, cart).await?;
    }
    let charge = payment.and_then(|payment| payment.charge.as_deref());
    let source = charge.unwrap_or(order_id.as_str());
    if let Some(payment) = payment {
        let billed: i64 = lines.iter().map(|line| line.parts().cash()).sum();
        postings.extend(rounded(
            payment.amount_minor - billed,
            lines.len(),
            &payment.id,
        )?);
        let difference = payment.amount_minor - billed;
        postings.push(posting(
            AccountKind::ProcessorPending,
            till.provider.name(),
            difference,
            None,
        ));
    }
    let entry = Entry {
        key: format!("sale:{source}"),
        kind: "sale",
        source: source.into(),
        occurred_ms: now_ms,
        postings,
    };
    books::post(tx, &entry).await?;
    if order.by_visitor {
        guest::queue_mail(tx, &till.vault, &owner, &till.public_url, payment.is_some())
            .await
            .map_err(|error| Error::Internal(error.to_string()))?;
    }
    for (line, reason) in returned {
        plan_refund(tx, &line, Bearer::Creator, reason, now_ms).await?;
    }
    Ok(())
}

/// The gate to ownership: why a paid line is not handed over, as a code of `refund-…`, or nothing. Its listing is held until the
/// commit, so that a withdrawal comes before the sale and is seen, or after it and refunds it.
async fn obstacle(tx: &mut Tx, line: &Line, over: bool) -> Result<Option<&'static str>, Error> {
    if over {
        return Ok(Some("order-ended"));
    }
    // Two tabs, two orders, both paid.
    if orders::count_owned(tx, &line.buyer_id, &line.listing_id).await? > 0 {
        return Ok(Some("duplicate"));
    }
    // A visitor who typed the creator's own address.
    if line.buyer_id == line.payee_id {
        return Ok(Some("own"));
    }
    match catalog::service::hold_live(tx, &line.listing_id).await? {
        true => Ok(None),
        false => Ok(Some("not-for-sale")),
    }
}

fn check(order: &Order, payment: &Payment) -> Result<(), Error> {
    let wrong = |what: String| {
        Err(Error::Internal(format!(
            "the payment {} {what}",
            payment.id
        )))
    };
    if !payment.currency.eq_ignore_ascii_case(CURRENCY) {
        return wrong(format!(
            "is in {}, the books in {CURRENCY}",
            payment.currency
        ));
    }
    let net = payment.amount_minor - payment.tax_minor;
    if net != order.total_minor {
        return wrong(format!(
            "is over {net}, the order over {}",
            order.total_minor
        ));
    }
    let other = order.payment_id.as_deref() != Some(&payment.id);
    // An order that ended before its payment was noted is this payment's all the same.
    let never_noted = order.state == OrderState::Cancelled && order.payment_id.is_none();
    if order.state != OrderState::Open && other && !never_noted {
        return wrong(format!(
            "pays the order {}, which is {} by another: give it back by hand",
            order.id,
            order.state.name()
        ));
    }
    Ok(())
}

/// Writes the provider's tax onto the lines: as it says for each, else by what each costs.
fn taxed(mut lines: Vec<Line>, payment: Option<&Payment>) -> Vec<Line> {
    let Some(payment) = payment.filter(|payment| payment.tax_minor != 0) else {
        return lines;
    };
    let billed: Vec<usize> = (0..lines.len())
        .filter(|index| lines[*index].parts().cash() > 0)
        .collect();
    let weights: Vec<i64> = billed
        .iter()
        .map(|index| lines[*index].parts().cash())
        .collect();
    let taxes = match payment.taxes.len() == billed.len() {
        true => payment.taxes.clone(),
        false => allocate(payment.tax_minor, &weights),
    };
    for (index, tax) in billed.into_iter().zip(taxes) {
        lines[index].tax_minor = tax;
    }
    lines
}

/// At most one minor unit for each line is rounding; more is a mistake that a person must see before anything is handed over.
fn rounded(difference: i64, lines: usize, payment: &str) -> Result<Vec<books::Posting>, Error> {
    if difference.unsigned_abs() > lines as u64 {
        return Err(Error::Internal(format!(
            "the payment {payment} differs from its lines by {difference}"
        )));
    }
    Ok(vec![posting(
        AccountKind::Rounding,
        "platform",
        -difference,
        None,
    )])
}

fn postings_of(line: &Line, provider: &str) -> Vec<books::Posting> {
    let on = |kind, owner: &str, amount| posting(kind, owner, amount, Some(line.id.as_str()));
    vec![
        on(AccountKind::SellerHeld, &line.payee_id, -line.payee_minor),
        on(AccountKind::RevenueShare, "platform", -line.share_minor),
        on(AccountKind::TaxPayable, "platform", -line.tax_minor),
        on(
            AccountKind::ExpensePromotion,
            "platform",
            line.promotion_minor,
        ),
        on(AccountKind::ProcessorPending, provider, line.parts().cash()),
    ]
}

/// Makes the licence document of a line, stores it encrypted and queues its salted leaf.
async fn issue_licence(
    till: &Till,
    tx: &mut Tx,
    line: &Line,
    now_ms: i64,
) -> Result<(String, String), Error> {
    let internal = |error: schema::Error| Error::Internal(error.to_string());
    let listing = catalog::service::get_version(tx, &line.version_id).await?;
    let leaf = Digest::parse(&listing.leaf_hash, "leaf").map_err(internal)?;
    let licence = Licence::parse(&line.licence).map_err(internal)?;
    let granted_ms = u64::try_from(now_ms).unwrap_or_default();
    let document = LicenceDocument::new(licence, leaf, line.id.to_string(), granted_ms)
        .to_bytes()
        .map_err(internal)?;
    let salt: [u8; 32] = random::bytes();
    let queued = till
        .log
        .queue_licence(tx, licence::commit(&salt, &leaf, &document))
        .await
        .map_err(|error| Error::Internal(error.to_string()))?;
    let secret = LicenceSecret {
        document: STANDARD.encode(&document),
        salt: STANDARD.encode(salt),
    };
    let id = random::id();
    let plain = serde_json::to_vec(&secret).map_err(|error| Error::Internal(error.to_string()))?;
    till.vault.put(tx, &id, &plain, now_ms).await?;
    Ok((id, queued.leaf_hash))
}
