//! What the HTTP client asks: credentials for a request, and what to do about a refusal.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, StatusCode};
use mcp_core::transport::async_trait;
use mcp_http::net::{Again, AuthError, AuthErrorKind, AuthHeaders, Authorize, Challenge, RequestInfo};

use super::flight::Job;
use super::resource::{ResourceAuth, Source};
use crate::client::challenge::{Wanted, wanted};
use crate::client::dpop::ProofKey;
use crate::client::error::OAuthError;
use crate::client::machine::Purpose;
use crate::client::record::TokenRecord;
use crate::urls::WebUrl;

#[async_trait]
impl Authorize for ResourceAuth {
    async fn authorize(&self, request: &RequestInfo<'_>) -> Result<AuthHeaders, AuthError> {
        self.headers(request).await.map_err(AuthError::from)
    }

    async fn challenged(&self, challenge: &Challenge) -> Result<Again, AuthError> {
        self.answer(challenge).await.map_err(AuthError::from)
    }

    fn responded(&self, request: &RequestInfo<'_>, status: StatusCode, headers: &HeaderMap) {
        if let Ok(url) = WebUrl::parse(&request.url()) {
            self.oauth.inner.nonces.learn(url.origin(), headers);
        }
        if !matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            self.resource.accepted();
        }
    }
}

impl ResourceAuth {
    async fn headers(&self, request: &RequestInfo<'_>) -> Result<AuthHeaders, OAuthError> {
        let inner = &self.oauth.inner;
        let Some(mut record) = self.resource.current(inner).await? else { return Ok(AuthHeaders::none()) };
        let now = inner.now();
        // AU-C-50.
        if record.is_due(now) && record.refresh_token.is_some() {
            match self.resource.fly(inner, Job::Refresh { old: record.clone() }).await {
                Ok(new) => record = new,
                // What is left of the token's life is used.
                Err(error) if error.is_retryable() && record.is_valid(now, Duration::ZERO) => {
                    tracing::warn!(%error, "the token was not refreshed");
                }
                // The server is asked for its challenge, which starts a login.
                Err(error) if error.is_login_needed() && self.may_login() => {
                    tracing::info!(%error, "a login follows");
                    return Ok(AuthHeaders::none());
                }
                Err(error) => return Err(error),
            }
        }
        self.sign(request, &record)
    }

    /// The headers for one request with this token.
    fn sign(&self, request: &RequestInfo<'_>, record: &TokenRecord) -> Result<AuthHeaders, OAuthError> {
        let (Some(authorization), Some(token)) = (record.authorization(), &record.access_token) else {
            return Ok(AuthHeaders::none());
        };
        let headers = AuthHeaders::new(authorization);
        let Some(key) = &record.dpop_key else { return Ok(headers) };
        let key = ProofKey::from_stored(key)?;
        let url = request.url();
        let origin = WebUrl::parse(&url).map(|url| url.origin().to_owned()).unwrap_or_default();
        let inner = &self.oauth.inner;
        let nonce = inner.nonces.get(&origin);
        let proof = key.proof(request.method().as_str(), &url, inner.now(), nonce.as_deref(), Some(token))?;
        Ok(headers.with(HeaderName::from_static("dpop"), proof))
    }

    fn may_login(&self) -> bool {
        self.oauth.inner.person.is_some() || !self.oauth.inner.settings.grant.is_interactive()
    }

    async fn answer(&self, challenge: &Challenge) -> Result<Again, OAuthError> {
        let wanted = wanted(challenge);
        let inner = &self.oauth.inner;
        let current = self.resource.current(inner).await?;
        let own =
            |record: &Option<Arc<TokenRecord>>| record.as_ref().and_then(|record| record.authorization());
        // Another request has replaced the token in the meantime.
        if own(&current).is_some() && own(&current) != challenge.sent {
            return Ok(Again::Yes);
        }
        match challenge.status {
            // The new nonce was learned from the response.
            StatusCode::UNAUTHORIZED if wanted.nonce => Ok(Again::Yes),
            StatusCode::UNAUTHORIZED => self.unauthorized(challenge, wanted, current).await,
            StatusCode::FORBIDDEN if wanted.insufficient_scope => self.step_up(wanted, current).await,
            _ => Ok(Again::No),
        }
    }

    /// The token was refused, or there is none.
    async fn unauthorized(
        &self,
        challenge: &Challenge,
        wanted: Wanted,
        current: Option<Arc<TokenRecord>>,
    ) -> Result<Again, OAuthError> {
        let inner = &self.oauth.inner;
        let mut why = None;
        if let Some(record) = current.filter(|record| record.access_token.is_some()) {
            // AU-C-53: another process may have replaced it.
            let stored = self.resource.peek(inner).await?;
            let is_other = |stored: &TokenRecord| {
                stored.access_token.is_some() && stored.authorization() != challenge.sent
            };
            let valid = |stored: &TokenRecord| stored.is_valid(inner.now(), Duration::ZERO);
            if let Some(stored) = stored.filter(|stored| is_other(stored) && valid(stored)) {
                self.resource.adopt(Some(Arc::new(stored)));
                return Ok(Again::Yes);
            }
            let unproven = self.resource.unproven(&record);
            if unproven == Some(Source::Login) {
                // Another login would end the same way.
                return Ok(Again::No);
            }
            // A token that was just refreshed and is refused at once needs a login, not another refresh.
            if record.refresh_token.is_some() && unproven != Some(Source::Refresh) {
                match self.resource.fly(inner, Job::Refresh { old: record }).await {
                    Ok(_) => return Ok(Again::Yes),
                    Err(error) if error.is_login_needed() => why = Some(error),
                    Err(error) => return Err(error),
                }
            }
        }
        if inner.settings.grant.is_interactive() && inner.person.is_none() {
            return Err(why.unwrap_or_else(|| self.resource.login_needed(None)));
        }
        let job = Job::Login {
            demand: wanted.demand,
            purpose: Purpose::Login(None),
            person: inner.person.clone(),
            forced: false,
        };
        self.resource.fly(inner, job).await.map(|_| Again::Yes)
    }

    /// The token lacks scopes.
    // AU-C-42, AU-C-43.
    async fn step_up(&self, wanted: Wanted, current: Option<Arc<TokenRecord>>) -> Result<Again, OAuthError> {
        let inner = &self.oauth.inner;
        let (asked, granted) = current.map(|record| (record.asked(), record.granted())).unwrap_or_default();
        let needed = wanted.demand.scopes.clone().unwrap_or_default();
        let refused = || OAuthError::scope(&needed, &granted);
        let all = asked.clone().and(&granted).and(&needed);
        if needed.is_empty() || asked.covers(&needed) && granted.covers(&needed) {
            return Err(refused());
        }
        // A server that grants less than was asked for does so again.
        if asked.covers(&needed) && !self.resource.was_accepted() {
            return Err(refused());
        }
        let text = needed.parameter().unwrap_or_default();
        if !self.resource.may_step_up(&text, inner.now()) {
            return Err(refused());
        }
        if inner.settings.grant.is_interactive() && inner.person.is_none() {
            return Err(self.resource.login_needed(Some(&refused().to_string())));
        }
        let job = Job::Login {
            demand: wanted.demand,
            purpose: Purpose::StepUp(all),
            person: inner.person.clone(),
            forced: true,
        };
        let record = self.resource.fly(inner, job).await?;
        if record.granted().covers(&needed) {
            Ok(Again::Yes)
        } else {
            Err(OAuthError::scope(&needed, &record.granted()))
        }
    }
}

impl From<OAuthError> for AuthError {
    fn from(error: OAuthError) -> AuthError {
        let kind = match &error {
            OAuthError::LoginNeeded { .. } | OAuthError::NotCompleted { .. } => AuthErrorKind::LoginNeeded,
            OAuthError::Refused { .. } | OAuthError::InsufficientScope { .. } => AuthErrorKind::Denied,
            OAuthError::Unavailable { .. } | OAuthError::Store { .. } => AuthErrorKind::Unavailable,
            OAuthError::Status { .. } | OAuthError::Protocol { .. } | OAuthError::Setting { .. } => {
                AuthErrorKind::Protocol
            }
        };
        AuthError::new(kind, error)
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;
    use crate::client::FlowStep;

    #[test]
    fn each_error_says_what_helps() {
        let step = FlowStep::Refresh;
        let why = || "why".to_owned();
        let rows = [
            (OAuthError::NotCompleted { why: why() }, AuthErrorKind::LoginNeeded),
            (OAuthError::LoginNeeded { resource: why(), why: None }, AuthErrorKind::LoginNeeded),
            (OAuthError::Refused { step, error: why(), description: None }, AuthErrorKind::Denied),
            (OAuthError::InsufficientScope { needed: vec![], granted: vec![] }, AuthErrorKind::Denied),
            (OAuthError::Unavailable { step, why: why(), source: None }, AuthErrorKind::Unavailable),
            (OAuthError::Store { why: why() }, AuthErrorKind::Unavailable),
            (OAuthError::Status { step, status: StatusCode::NOT_FOUND }, AuthErrorKind::Protocol),
            (OAuthError::Protocol { step, why: why() }, AuthErrorKind::Protocol),
            (OAuthError::Setting { what: why(), why: why() }, AuthErrorKind::Protocol),
        ];
        for (error, kind) in rows {
            let said = error.to_string();
            let error = AuthError::from(error);
            assert_eq!(error.kind(), kind, "{said}");
        }
    }
}
