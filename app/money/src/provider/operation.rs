//! Calls that move money, as they are stored.

use super::state::OperationState;
use super::{Call, Parameters};
use schema::id::LineId;

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationKind {
    Refund,
    Transfer,
    /// Takes a transfer back.
    Reversal,
    /// Answers a dispute.
    Evidence,
    /// Gives a dispute up.
    Acceptance,
    /// A payment that a person makes at a bank; never sent by us.
    Manual,
}

impl OperationKind {
    /// As it is stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Refund => "refund",
            Self::Transfer => "transfer",
            Self::Reversal => "reversal",
            Self::Evidence => "evidence",
            Self::Acceptance => "acceptance",
            Self::Manual => "manual",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [
            Self::Refund,
            Self::Transfer,
            Self::Reversal,
            Self::Evidence,
            Self::Acceptance,
            Self::Manual,
        ]
        .into_iter()
        .find(|kind| kind.name() == name)
    }
}

/// A call to a provider. Its parameters never change.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Operation {
    pub id: String,
    pub kind: String,
    pub order_line: Option<String>,
    pub payee: Option<String>,
    pub amount: i64,
    /// JSON of [`Parameters`]; a bare target in what earlier releases wrote.
    pub parameters: String,
    pub generation: i64,
    #[sqlx(try_from = "String")]
    pub state: OperationState,
    pub provider_ref: Option<String>,
    pub error_code: Option<String>,
    pub last_error: Option<String>,
    pub attempts: i64,
    pub first_sent_ms: Option<i64>,
    pub sent_ms: Option<i64>,
    pub created_ms: i64,
    pub decision_id: Option<String>,
    pub provider: String,
}

impl Operation {
    /// The idempotency key of this generation.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}:{}", self.id, self.generation)
    }

    /// What it does; `None` for a kind of a later release.
    #[must_use]
    pub fn parsed_kind(&self) -> Option<OperationKind> {
        OperationKind::parse(&self.kind)
    }

    /// The order's line that it is about, if it is about one.
    #[must_use]
    pub fn line(&self) -> Option<LineId> {
        LineId::parse(self.order_line.as_deref()?).ok()
    }

    /// The frozen parameters.
    #[must_use]
    pub fn parsed(&self) -> Parameters {
        serde_json::from_str(&self.parameters).unwrap_or_else(|_| Parameters {
            target: self.parameters.clone(),
            ..Parameters::default()
        })
    }

    /// The call that it is.
    #[must_use]
    pub fn call(&self, now_ms: i64) -> Call {
        Call {
            key: self.key(),
            operation: self.id.clone(),
            line: self.order_line.clone(),
            amount_minor: self.amount,
            parameters: self.parsed(),
            now_ms,
        }
    }

    /// Whether money may still move.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state.is_open()
    }
}

/// What is to be planned.
#[derive(Clone, Debug)]
pub struct Plan<'a> {
    pub kind: OperationKind,
    pub line: Option<&'a str>,
    pub payee: Option<&'a str>,
    pub amount_minor: i64,
    pub parameters: Parameters,
    pub decision: Option<&'a str>,
    pub provider: &'a str,
    pub now_ms: i64,
}
