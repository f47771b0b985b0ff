//! Why a state could not be sealed or opened.

use std::error::Error as StdError;

use crate::message::ErrorObject;

use super::MAX_TEXT;

type BoxError = Box<dyn StdError + Send + Sync>;

/// A state could not be sealed. A client is told `-32603` and nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The payload is too long.
    #[error("the sealed state would be longer than the limit of {MAX_TEXT} bytes")]
    TooLong,
    /// The operating system has no random bytes to give.
    #[error("no random bytes from the operating system")]
    NoRandom,
}

/// A state could not be opened. A client is told `-32602` and never which check failed (ledger
/// MRTR-S-007): [`OpenError::fault`] is for logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the requestState is not valid for this request")]
pub struct OpenError {
    fault: Fault,
}

/// Which check failed. For the server's own logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Longer than [`MAX_TEXT`].
    TooLong,
    /// Not of the form that a sealer writes, or cut short.
    Malformed,
    /// Of a form that this release does not know.
    Version,
    /// Sealed with a key that this sealer does not have, or has no more.
    UnknownKey,
    /// Somebody changed it; or it belongs to another user, another method or other params.
    Mismatch,
    /// Its time is over.
    Expired,
    /// It was used before.
    AlreadyUsed,
    /// The store of what was used did not say.
    Store,
}

impl OpenError {
    /// Which check failed. Do not tell the client.
    pub fn fault(self) -> Fault {
        self.fault
    }
}

impl From<Fault> for OpenError {
    fn from(fault: Fault) -> OpenError {
        OpenError { fault }
    }
}

impl From<OpenError> for ErrorObject {
    fn from(error: OpenError) -> ErrorObject {
        tracing::debug!(fault = ?error.fault, "a requestState was refused");
        ErrorObject::invalid_params("The requestState is not valid for this request")
    }
}

impl From<SealError> for ErrorObject {
    fn from(error: SealError) -> ErrorObject {
        tracing::error!(%error, "a state could not be sealed");
        ErrorObject::internal("Internal error")
    }
}

/// The refusal that this error stands for, or the error back.
pub(in crate::server) fn refusal(error: BoxError) -> Result<ErrorObject, BoxError> {
    let error = match error.downcast::<OpenError>() {
        Ok(error) => return Ok((*error).into()),
        Err(error) => error,
    };
    error.downcast::<SealError>().map(|error| (*error).into())
}
