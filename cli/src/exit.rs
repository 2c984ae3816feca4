//! Exit codes, the same for every command.

use engine::Kind;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything holds.
    Success = 0,
    /// A check failed, or a picture came out different.
    Failed = 1,
    /// The command line or an input file is wrong.
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
        match error
            .downcast_ref::<engine::Error>()
            .map(engine::Error::kind)
        {
            Some(Kind::Missing | Kind::Unsupported | Kind::WrongDigest | Kind::Runtime) => {
                Self::Unsupported
            }
            Some(Kind::NotFinite) => Self::Failed,
            _ => Self::Usage,
        }
    }
}
