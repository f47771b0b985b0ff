//! Why credentials could not be had.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// Why there are no credentials for a request.
#[derive(Clone, Debug)]
pub struct AuthError {
    kind: AuthErrorKind,
    source: Arc<dyn Error + Send + Sync>,
}

/// The classes of [`AuthError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuthErrorKind {
    /// A user must log in first.
    LoginNeeded,
    /// Credentials were requested and refused, or they do not permit the request.
    Denied,
    /// Credentials are not available at the moment: a server or a store cannot be reached. Retrying later may help.
    Unavailable,
    /// A server's answer breaks a rule, so that continuing would be unsafe.
    Protocol,
}

impl AuthError {
    /// An error of this kind with its cause. The cause must show no secret: it is printed.
    pub fn new(kind: AuthErrorKind, source: impl Into<Box<dyn Error + Send + Sync>>) -> AuthError {
        AuthError { kind, source: Arc::from(source.into()) }
    }

    /// Its class.
    pub fn kind(&self) -> AuthErrorKind {
        self.kind
    }

    /// The cause, for a downcast.
    pub fn cause(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.source
    }
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            AuthErrorKind::LoginNeeded => "a login is needed",
            AuthErrorKind::Denied => "access is denied",
            AuthErrorKind::Unavailable => "credentials are not available at the moment",
            AuthErrorKind::Protocol => "authorization failed for safety",
        })
    }
}

impl Error for AuthError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}
