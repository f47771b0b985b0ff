//! What goes wrong when a client logs in.

use std::fmt;
use std::sync::Arc;

use http::StatusCode;
use mcp_http::HttpError;

use super::scopes::Scopes;
use crate::urls::clipped;

/// Why a token could not be obtained. `Debug` and `Display` contain no token, code, verifier, state or secret, and print
/// URLs without their query.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OAuthError {
    /// A person has to log in, and interactive logins are not enabled here.
    #[error("not logged in to {resource}{}", because(why))]
    LoginNeeded {
        /// The MCP endpoint, without its query.
        resource: String,
        /// Why what was stored no longer works.
        why: Option<String>,
    },
    /// An authorization server refused, with an error code of OAuth.
    #[error("{step} was refused: {error}{}", because(description))]
    Refused {
        /// What was requested.
        step: FlowStep,
        /// The code, such as `access_denied`. Text from the peer, clipped.
        error: String,
        /// The description. Text from the peer, clipped.
        description: Option<String>,
    },
    /// The server requires more scopes than a login can give.
    #[error("the server requires the scopes `{}`, and `{}` are granted", needed.join(" "), granted.join(" "))]
    InsufficientScope {
        /// What the server named.
        needed: Vec<String>,
        /// What the token has.
        granted: Vec<String>,
    },
    /// No answer, or one that says to retry later. Nothing was removed.
    #[error("{step}: {why}")]
    Unavailable {
        /// What was requested.
        step: FlowStep,
        /// What happened.
        why: String,
        /// The cause, if the request itself failed.
        source: Option<Arc<HttpError>>,
    },
    /// An answer with a status that is neither success nor a reason to retry, and without an error code of OAuth.
    #[error("{step}: HTTP status {status}")]
    Status {
        /// What was requested.
        step: FlowStep,
        /// The status.
        status: StatusCode,
    },
    /// A document, an answer or a URL breaks a rule, so nothing more was sent.
    #[error("{step}: {why}")]
    Protocol {
        /// What was read.
        step: FlowStep,
        /// The rule.
        why: String,
    },
    /// A setting is missing or cannot be used.
    #[error("{what}: {why}")]
    Setting {
        /// Which one.
        what: String,
        /// What is wrong.
        why: String,
    },
    /// The person gave up, did not answer in time, or could not be asked.
    #[error("the login was not completed: {why}")]
    NotCompleted {
        /// What happened.
        why: String,
    },
    /// The credential store failed.
    #[error("stored credentials: {why}")]
    Store {
        /// What happened, with the file.
        why: String,
    },
}

/// A step of a login, named by [`OAuthError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FlowStep {
    /// Reading the metadata of the protected resource.
    ResourceMetadata,
    /// Reading the metadata of the authorization server.
    ServerMetadata,
    /// Registering a client.
    Registration,
    /// The person's authorization, up to its answer.
    Authorization,
    /// A device authorization request.
    DeviceAuthorization,
    /// Exchanging an identity assertion at an identity provider.
    TokenExchange,
    /// A token request.
    Token,
    /// A refresh.
    Refresh,
    /// A revocation.
    Revocation,
}

impl fmt::Display for FlowStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FlowStep::ResourceMetadata => "protected-resource metadata",
            FlowStep::ServerMetadata => "authorization-server metadata",
            FlowStep::Registration => "client registration",
            FlowStep::Authorization => "authorization",
            FlowStep::DeviceAuthorization => "device authorization",
            FlowStep::TokenExchange => "token exchange",
            FlowStep::Token => "token request",
            FlowStep::Refresh => "refresh",
            FlowStep::Revocation => "revocation",
        })
    }
}

fn because(why: &Option<String>) -> String {
    why.as_ref().map(|why| format!(": {why}")).unwrap_or_default()
}

impl OAuthError {
    /// Retrying later may help.
    pub fn is_retryable(&self) -> bool {
        matches!(self, OAuthError::Unavailable { .. })
    }

    /// A person has to log in.
    pub fn is_login_needed(&self) -> bool {
        matches!(self, OAuthError::LoginNeeded { .. })
    }

    pub(crate) fn protocol(step: FlowStep, why: impl Into<String>) -> OAuthError {
        OAuthError::Protocol { step, why: why.into() }
    }

    pub(crate) fn setting(what: &str, why: impl Into<String>) -> OAuthError {
        OAuthError::Setting { what: what.to_owned(), why: why.into() }
    }

    pub(crate) fn not_completed(why: impl Into<String>) -> OAuthError {
        OAuthError::NotCompleted { why: why.into() }
    }

    pub(crate) fn unavailable(step: FlowStep, why: impl Into<String>) -> OAuthError {
        OAuthError::Unavailable { step, why: why.into(), source: None }
    }

    /// Texts from the peer are clipped.
    pub(crate) fn refused(step: FlowStep, error: &str, description: Option<&str>) -> OAuthError {
        OAuthError::Refused { step, error: clipped(error), description: description.map(clipped) }
    }

    pub(crate) fn scope(needed: &Scopes, granted: &Scopes) -> OAuthError {
        OAuthError::InsufficientScope { needed: needed.to_vec(), granted: granted.to_vec() }
    }

    /// The code of OAuth, if an authorization server refused.
    pub(crate) fn code(&self) -> Option<&str> {
        match self {
            OAuthError::Refused { error, .. } => Some(error),
            _ => None,
        }
    }
}
