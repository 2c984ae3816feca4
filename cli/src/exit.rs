//! Exit codes, the same for every command.
//!
//! The one rule: a code is decided by what was found, in the value that a command returns; only [`crate::output::finish`] may turn
//! "everything holds" into an error, when it could not be told.

use engine::ErrorKind;
use std::fmt;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything holds.
    Success = 0,
    /// A check failed, or a picture came out different.
    Failed = 1,
    /// The command line or an input file is wrong, or a result could not be written.
    Usage = 2,
    /// This machine cannot do it: no runtime library, no such model, a CPU without fused multiply-add.
    Unsupported = 3,
    /// A picture came out near, but not equal.
    Near = 4,
}

impl Exit {
    pub(crate) fn code(self) -> std::process::ExitCode {
        std::process::ExitCode::from(self as u8)
    }

    /// The code for an error.
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        if error.downcast_ref::<DoesNotHold>().is_some() {
            return Self::Failed;
        }
        match error
            .downcast_ref::<engine::Error>()
            .map(engine::Error::kind)
        {
            Some(
                ErrorKind::Missing
                | ErrorKind::Unsupported
                | ErrorKind::WrongDigest
                | ErrorKind::Runtime,
            ) => Self::Unsupported,
            Some(ErrorKind::NotFinite) => Self::Failed,
            _ => Self::Usage,
        }
    }
}

/// What was read contradicts what was signed: a failed check, not a wrong command.
#[derive(Debug)]
pub(crate) struct DoesNotHold(ledger::Error);

impl fmt::Display for DoesNotHold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "does not hold: {}", self.0)
    }
}

impl std::error::Error for DoesNotHold {}

/// What a checkpoint's failure means: one that its log did not sign, or too few witnesses, fails the check; a log that cannot be
/// reached, or that the policy does not name, says nothing.
pub(crate) fn of_checkpoint(error: ledger::Error) -> anyhow::Error {
    use ledger::ErrorKind::{Corrupt, Forged, Malformed, Unsettled};
    match error.kind() {
        Corrupt | Forged | Malformed | Unsettled => DoesNotHold(error).into(),
        _ => error.into(),
    }
}

/// What a tile's or an entry's failure means: below a signed checkpoint it must be there and fit.
pub(crate) fn of_tile(error: ledger::Error) -> anyhow::Error {
    match error.kind() {
        ledger::ErrorKind::Missing => DoesNotHold(error).into(),
        _ => of_checkpoint(error),
    }
}
