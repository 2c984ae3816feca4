//! What each room's failure is to a visitor.
//!
//! The one rule: what passes by itself is a 503 with `Retry-After`, what was erased is a 410, whatever room it came through.

use crate::ui::failure::AppError;
use base::limits;
use schema::failure::{Code, FieldError};

impl From<base::db::Error> for AppError {
    fn from(error: base::db::Error) -> Self {
        if error.is_retryable() || error.is_out_of_time() {
            return Self {
                undone: error.is_retryable(),
                ..Self::unavailable(error)
            };
        }
        Self::internal(error)
    }
}

impl From<money::books::service::Error> for AppError {
    fn from(error: money::books::service::Error) -> Self {
        use money::books::service::Error;
        match error {
            Error::Store(error) => error.into(),
            other => Self::internal(other),
        }
    }
}

impl From<money::Error> for AppError {
    fn from(error: money::Error) -> Self {
        use money::Error;
        match error {
            Error::NotFound => Self::new(Code::NotFound),
            Error::Refused(code) => Self::conflict(FieldError::new("order", code)),
            Error::TooMany => Self::too_many(limits::COUPON_GUESSES),
            Error::Provider(cause) => Self::unavailable(cause),
            Error::Store(error) => error.into(),
            Error::Books(error) => error.into(),
            Error::Vault(error) => error.into(),
            Error::Internal(_) => Self::internal(error),
        }
    }
}

impl From<market::log::service::Error> for AppError {
    fn from(error: market::log::service::Error) -> Self {
        use market::log::service::Error;
        match error {
            Error::NotFound => Self::new(Code::NotFound),
            Error::NotLogged | Error::Busy => Self::new(Code::Unavailable),
            Error::Store(error) => error.into(),
            other => Self::internal(other),
        }
    }
}

impl AppError {
    /// A failure of the log on the way to something else: a leaf that ought to be there and is not is our fault, and nobody's wrong address.
    fn of_log(error: market::log::service::Error) -> Self {
        match error {
            market::log::service::Error::NotFound => {
                Self::internal("a leaf or a statement is missing")
            }
            other => other.into(),
        }
    }
}

impl From<market::people::service::Error> for AppError {
    fn from(error: market::people::service::Error) -> Self {
        use market::people::service::Error;
        let code = error.code();
        match error {
            Error::Invalid(fields) => Self::invalid(fields),
            Error::Store(error) => error.into(),
            Error::Log(error) => error.into(),
            Error::TooMany(limit) => Self::too_many(limit),
            Error::Internal(cause) | Error::Mail(cause) => Self::internal(cause),
            _ => Self::new(code),
        }
    }
}

impl From<base::vault::Error> for AppError {
    fn from(error: base::vault::Error) -> Self {
        match error {
            base::vault::Error::Erased(_) => Self::new(Code::Gone),
            base::vault::Error::Store(error) => error.into(),
            other => Self::internal(other),
        }
    }
}

impl From<base::media::Error> for AppError {
    fn from(error: base::media::Error) -> Self {
        Self::internal(error)
    }
}

impl From<market::pictures::Error> for AppError {
    fn from(error: market::pictures::Error) -> Self {
        use market::pictures::Error;
        match error {
            Error::Store(error) => error.into(),
            Error::Media(error) => error.into(),
            Error::Busy(_) => Self::new(Code::Unavailable),
            other @ Error::Broken(_) => Self::internal(other),
        }
    }
}

impl From<market::moderation::report::Error> for AppError {
    fn from(error: market::moderation::report::Error) -> Self {
        use market::moderation::report::Error;
        match error {
            Error::Invalid(fields) => Self::invalid(fields),
            Error::TooMany => Self::too_many(limits::REPORT),
            Error::Store(error) => error.into(),
        }
    }
}

impl From<market::library::service::Error> for AppError {
    fn from(error: market::library::service::Error) -> Self {
        use market::library::service::Error;
        match error {
            Error::NotFound => Self::new(Code::NotFound),
            Error::Refunded => Self::new(Code::Gone),
            Error::NotOpened => Self::new(Code::Conflict),
            Error::TooMany => Self::too_many(limits::REPRODUCE),
            Error::NotLogged => Self::new(Code::Unavailable),
            Error::Vault(error) => error.into(),
            Error::Log(error) => Self::of_log(error),
            Error::Internal(cause) => Self::internal(cause),
            Error::Store(error) => error.into(),
        }
    }
}

impl From<market::own::service::Error> for AppError {
    fn from(error: market::own::service::Error) -> Self {
        use market::own::service::Error;
        match error {
            Error::Busy(_) => Self::new(Code::Unavailable),
            Error::NotFound | Error::NoPage => Self::new(Code::NotFound),
            Error::Refunded | Error::NoFile => Self::new(Code::Gone),
            Error::NotOpened | Error::NotAcknowledged => Self::new(Code::Conflict),
            Error::ModelAway => Self::unavailable("the recipe's model is not here"),
            Error::Invalid(fields) => Self::invalid(fields),
            Error::TooMany(limit) => Self::too_many(limit),
            Error::Vault(error) => error.into(),
            Error::Media(error) => error.into(),
            Error::Internal(cause) => Self::internal(cause),
            Error::Store(error) => error.into(),
        }
    }
}

impl From<market::trials::service::Error> for AppError {
    fn from(error: market::trials::service::Error) -> Self {
        use market::trials::service::Error;
        match error {
            Error::NotFound => Self::new(Code::NotFound),
            Error::Gone => Self::new(Code::Gone),
            Error::Invalid(fields) => Self::invalid(fields),
            Error::TooMany(limit) => Self::too_many(limit),
            Error::Busy => Self::unavailable("too many tries wait, or the model is not here"),
            Error::Internal(cause) => Self::internal(cause),
            Error::Store(error) => error.into(),
        }
    }
}

impl From<market::moderation::service::Error> for AppError {
    fn from(error: market::moderation::service::Error) -> Self {
        use market::moderation::service::Error;
        match error {
            Error::NotFound => Self::new(Code::NotFound),
            Error::Own => Self::new(Code::Forbidden),
            Error::Reason => Self::invalid(vec![FieldError::new("reason", "refused")]),
            Error::Vault(error) => error.into(),
            Error::Log(error) => Self::of_log(error),
            Error::Internal(cause) => Self::internal(cause),
            Error::Store(error) => error.into(),
        }
    }
}

impl From<market::studio::service::Error> for AppError {
    fn from(error: market::studio::service::Error) -> Self {
        use market::studio::service::Error;
        match error {
            Error::NotFound => Self::new(Code::NotFound),
            Error::Invalid(fields) => Self::invalid(fields),
            Error::TooMany => Self::too_many(limits::GENERATE),
            Error::Duplicate(leaf) => Self::conflict(FieldError {
                field: "picture".into(),
                code: "duplicate".into(),
                detail: Some(leaf),
            }),
            Error::Vault(error) => error.into(),
            Error::Log(error) => Self::of_log(error),
            Error::Media(error) => error.into(),
            Error::Internal(cause) => Self::internal(cause),
            Error::Store(error) => error.into(),
        }
    }
}

impl From<market::verify::attest::Refusal> for AppError {
    fn from(refusal: market::verify::attest::Refusal) -> Self {
        use market::log::service::Error;
        use market::verify::attest::Refusal;
        match refusal {
            Refusal::Wrong(why) => Self::invalid(vec![FieldError {
                field: "attestation".into(),
                code: "refused".into(),
                detail: Some(why),
            }]),
            Refusal::NotAnOwner => Self::new(Code::Forbidden),
            Refusal::TooMany => Self::new(Code::TooMany),
            // Stored, and public in a moment; or more come than can be stored.
            Refusal::Log(Error::NotLogged | Error::Busy) => Self::new(Code::Unavailable),
            Refusal::Log(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::AppError;
    use base::{db, vault};
    use market::{library, log, moderation, own, people, studio, trials};
    use money::books;
    use schema::failure::Code;

    /// What a transaction says that was undone for another's sake.
    fn undone() -> db::Error {
        sqlx::Error::PoolTimedOut.into()
    }

    fn erased() -> vault::Error {
        vault::Error::Erased("s".into())
    }

    #[test]
    fn what_passes_by_itself_is_said_to_pass_whatever_room_it_came_through() {
        let book = || books::service::Error::Store(undone());
        let logged = || log::service::Error::Store(undone());
        let kept = || vault::Error::Store(undone());
        let failures: Vec<AppError> = vec![
            undone().into(),
            book().into(),
            logged().into(),
            kept().into(),
            money::Error::Store(undone()).into(),
            money::Error::Books(book()).into(),
            money::Error::Vault(kept()).into(),
            people::service::Error::Store(undone()).into(),
            people::service::Error::from(money::Error::Books(book())).into(),
            library::service::Error::Store(undone()).into(),
            library::service::Error::Vault(kept()).into(),
            library::service::Error::from(logged()).into(),
            own::service::Error::Store(undone()).into(),
            own::service::Error::Vault(kept()).into(),
            own::service::Error::from(library::service::Error::Store(undone())).into(),
            trials::service::Error::Store(undone()).into(),
            moderation::service::Error::Vault(kept()).into(),
            moderation::service::Error::Log(logged()).into(),
            studio::service::Error::Vault(kept()).into(),
            studio::service::Error::Log(logged()).into(),
        ];
        for (number, failure) in failures.into_iter().enumerate() {
            let told = (failure.code, failure.undone, failure.wait_s.is_some());
            assert_eq!(told, (Code::Unavailable, true, true), "{number}");
        }
    }

    #[test]
    fn what_was_erased_is_gone_whatever_room_it_came_through() {
        let failures: Vec<AppError> = vec![
            erased().into(),
            money::Error::Vault(erased()).into(),
            library::service::Error::Vault(erased()).into(),
            own::service::Error::Vault(erased()).into(),
            own::service::Error::from(library::service::Error::Vault(erased())).into(),
            moderation::service::Error::Vault(erased()).into(),
            studio::service::Error::Vault(erased()).into(),
        ];
        for (number, failure) in failures.into_iter().enumerate() {
            assert_eq!(failure.code, Code::Gone, "{number}");
        }
    }
}
