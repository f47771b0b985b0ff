//! Errors of sealing and opening.

use std::error::Error as StdError;

use crate::message::ErrorObject;

use super::MAX_TEXT;

type BoxError = Box<dyn StdError + Send + Sync>;

/// A state could not be sealed. The client receives `-32603` without details.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The payload is too long.
    #[error("the sealed state would be longer than the limit of {MAX_TEXT} bytes")]
    TooLong,
    /// The operating system returned no random bytes.
    #[error("the operating system returned no random bytes")]
    NoRandom,
}

/// A state could not be opened. The client receives `-32602`, which does not reveal the check that failed;
/// [`OpenError::fault`] is for logs.
// MRTR-S-007.
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
    /// Not in the format of a sealed state, or truncated.
    Malformed,
    /// In a version of the format that this release does not know.
    Version,
    /// Sealed with a key that this sealer does not have, or no longer has.
    UnknownKey,
    /// It was changed, or belongs to another user, another method or other params.
    Mismatch,
    /// It has expired.
    Expired,
    /// It was used before.
    AlreadyUsed,
    /// The store of used states failed.
    Store,
}

impl OpenError {
    /// Which check failed. Do not send it to the client.
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
