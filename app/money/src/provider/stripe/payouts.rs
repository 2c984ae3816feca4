//! Connected accounts, transfers, reversals, and payouts to sellers' banks.

use super::super::{Account, Answer, Call, CallOutcome, Payout, PayoutProvider, PayoutState};
use super::payments::{is_of, metadata, retyped};
use super::{MAX_PAGES, PAGE, Stripe, found, unanswered};
use async_trait::async_trait;
use std::collections::HashMap;
use stripe::StripeRequest as _;
use stripe_connect::account::{
    CreateAccount, CreateAccountCapabilities, CreateAccountCapabilitiesCardPayments,
    CreateAccountCapabilitiesTransfers, CreateAccountController, CreateAccountControllerFees,
    CreateAccountControllerFeesPayer, CreateAccountControllerLosses,
    CreateAccountControllerLossesPayments, CreateAccountControllerStripeDashboard,
    CreateAccountControllerStripeDashboardType, RetrieveAccount,
};
use stripe_connect::account_link::{CreateAccountLink, CreateAccountLinkType};
use stripe_connect::transfer::{CreateTransfer, ListTransfer};
use stripe_connect::transfer_reversal::{CreateIdTransferReversal, ListIdTransferReversal};
use stripe_core::payout::{ListPayout, RetrievePayout};
use stripe_shared::{AccountCapabilitiesStatus, AccountId, PayoutId, TransferId};
use stripe_types::Currency;

fn account_request(person: &str, email: &str, country: &str) -> CreateAccount {
    let mut controller = CreateAccountController::new();
    controller.fees = Some(CreateAccountControllerFees {
        payer: Some(CreateAccountControllerFeesPayer::Application),
    });
    controller.losses = Some(CreateAccountControllerLosses {
        payments: Some(CreateAccountControllerLossesPayments::Application),
    });
    controller.stripe_dashboard = Some(CreateAccountControllerStripeDashboard {
        type_: Some(CreateAccountControllerStripeDashboardType::Express),
    });
    // Both: transfers alone would force the recipient agreement, which has no payouts across borders.
    let mut capabilities = CreateAccountCapabilities::new();
    capabilities.card_payments = Some(CreateAccountCapabilitiesCardPayments {
        requested: Some(true),
    });
    capabilities.transfers = Some(CreateAccountCapabilitiesTransfers {
        requested: Some(true),
    });
    CreateAccount::new()
        .country(country.to_owned())
        .email(email.to_owned())
        .controller(controller)
        .capabilities(capabilities)
        .metadata(HashMap::from([("person".to_owned(), person.to_owned())]))
}

fn account(account: stripe_shared::Account) -> Account {
    let transfers = account
        .capabilities
        .and_then(|capabilities| capabilities.transfers)
        .is_some_and(|status| status == AccountCapabilitiesStatus::Active);
    let (requirements, disabled) = match account.requirements {
        Some(requirements) => (
            requirements.currently_due.unwrap_or_default(),
            requirements
                .disabled_reason
                .map(|reason| reason.as_str().to_owned()),
        ),
        None => (Vec::new(), None),
    };
    Account {
        id: account.id.to_string(),
        ready: transfers && account.payouts_enabled == Some(true),
        requirements,
        disabled,
    }
}

fn payout(payout: stripe_shared::Payout, account: &str) -> Payout {
    Payout {
        id: payout.id.to_string(),
        account: account.to_owned(),
        amount_minor: payout.amount,
        state: match payout.status.as_str() {
            "paid" => PayoutState::Paid,
            "failed" | "canceled" => PayoutState::Failed,
            _ => PayoutState::Pending,
        },
        failure: payout.failure_code,
        arrives_ms: payout.arrival_date * 1000,
    }
}

#[async_trait]
impl PayoutProvider for Stripe {
    async fn open_account(&self, person: &str, email: &str, country: &str) -> CallOutcome<String> {
        let key = format!("account:{person}:{country}");
        match self
            .post(account_request(person, email, country), &key)
            .await
        {
            CallOutcome::Done(account) => CallOutcome::Done(account.id.to_string()),
            other => retyped(other),
        }
    }

    async fn onboarding_url(&self, account: &str, return_url: &str) -> Answer<String> {
        let request = CreateAccountLink::new(account, CreateAccountLinkType::AccountOnboarding)
            .return_url(return_url)
            .refresh_url(return_url);
        let made = request.send(&self.client).await;
        Ok(made.map_err(|error| unanswered(&error))?.url)
    }

    async fn get_account(&self, id: &str) -> Answer<Option<Account>> {
        let asked = RetrieveAccount::new(AccountId::from(id))
            .send(&self.client)
            .await;
        Ok(found(asked)?.map(account))
    }

    async fn transfer(&self, call: &Call) -> CallOutcome {
        let mut request = CreateTransfer::new(Currency::USD, call.parameters.target.clone())
            .amount(call.amount_minor)
            .metadata(metadata(call))
            .transfer_group(group(call));
        if let Some(charge) = &call.parameters.charge {
            request = request.source_transaction(charge.clone());
        }
        match self.post(request, &call.key).await {
            CallOutcome::Done(transfer) => CallOutcome::Done(transfer.id.to_string()),
            other => retyped(other),
        }
    }

    async fn find_transfer(&self, call: &Call) -> Answer<Option<String>> {
        let mut after: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let mut request = ListTransfer::new().transfer_group(group(call)).limit(PAGE);
            if let Some(after) = after {
                request = request.starting_after(after);
            }
            let page = request.send(&self.client).await;
            let page = page.map_err(|error| unanswered(&error))?;
            let ours = page
                .data
                .iter()
                .find(|transfer| is_of(Some(&transfer.metadata), &call.operation));
            if let Some(transfer) = ours {
                return Ok(Some(transfer.id.to_string()));
            }
            match page.data.last().filter(|_| page.has_more) {
                Some(last) => after = Some(last.id.to_string()),
                None => break,
            }
        }
        Ok(None)
    }

    async fn reverse(&self, call: &Call) -> CallOutcome {
        let transfer = TransferId::from(call.parameters.target.as_str());
        let request = CreateIdTransferReversal::new(transfer)
            .amount(call.amount_minor)
            .metadata(metadata(call));
        match self.post(request, &call.key).await {
            CallOutcome::Done(reversal) => CallOutcome::Done(reversal.id.to_string()),
            other => retyped(other),
        }
    }

    async fn find_reversal(&self, call: &Call) -> Answer<Option<String>> {
        let transfer = TransferId::from(call.parameters.target.as_str());
        let page = ListIdTransferReversal::new(transfer)
            .limit(PAGE)
            .send(&self.client)
            .await;
        let page = page.map_err(|error| unanswered(&error))?;
        let ours = page
            .data
            .iter()
            .find(|reversal| is_of(reversal.metadata.as_ref(), &call.operation));
        Ok(ours.map(|reversal| reversal.id.to_string()))
    }

    async fn get_payout(&self, account: &str, id: &str) -> Answer<Option<Payout>> {
        let asked = RetrievePayout::new(PayoutId::from(id))
            .customize()
            .account_id(AccountId::from(account))
            .send(&self.client)
            .await;
        Ok(found(asked)?.map(|found| payout(found, account)))
    }

    async fn get_own_payout(&self, id: &str) -> Answer<Option<PayoutState>> {
        let asked = RetrievePayout::new(PayoutId::from(id))
            .send(&self.client)
            .await;
        Ok(found(asked)?.map(|found| payout(found, "").state))
    }

    async fn list_payouts(&self, account: &str) -> Answer<Vec<Payout>> {
        let asked = ListPayout::new()
            .limit(PAGE)
            .customize()
            .account_id(AccountId::from(account))
            .send(&self.client)
            .await;
        let page = asked.map_err(|error| unanswered(&error))?;
        let found = page.data.into_iter();
        Ok(found.map(|found| payout(found, account)).collect())
    }
}

/// Transfers of an order share its group; a balance of no order has the operation's own, by which it is found again.
fn group(call: &Call) -> String {
    call.parameters
        .order
        .clone()
        .unwrap_or_else(|| call.operation.clone())
}
