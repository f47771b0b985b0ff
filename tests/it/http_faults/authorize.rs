//! Credentials that cannot be had: what the application hears of it, in both eras.

use std::sync::Mutex;

use mcp_core::client::EraMode;
use mcp_core::transport::{LossKind, async_trait};
use mcp_http::net::{Again, AuthError, AuthErrorKind, AuthHeaders, Authorize, Challenge, RequestInfo};
use mcp_tests::fault_server::{FaultServer, On, Rule, Step};

use super::kit::*;

/// Has a token, and another one after each challenge, until it gives up.
struct Tokens {
    left: Mutex<Vec<&'static str>>,
    after: AuthErrorKind,
}

impl Tokens {
    fn new(tokens: &[&'static str], after: AuthErrorKind) -> Tokens {
        Tokens { left: Mutex::new(tokens.iter().rev().copied().collect()), after }
    }
}

#[async_trait]
impl Authorize for Tokens {
    async fn authorize(&self, _request: &RequestInfo<'_>) -> Result<AuthHeaders, AuthError> {
        match self.left.lock().unwrap().last() {
            Some(token) => Ok(AuthHeaders::new(format!("Bearer {token}"))),
            None => Err(AuthError::new(self.after, "no token is left")),
        }
    }

    async fn challenged(&self, challenge: &Challenge) -> Result<Again, AuthError> {
        let mut left = self.left.lock().unwrap();
        let current = left.last().map(|token| format!("Bearer {token}").into());
        // Another request may have replaced the refused token in the meantime.
        if challenge.sent == current {
            left.pop();
        }
        Ok(Again::Yes)
    }
}

fn guarded(era: EraMode) -> Vec<Rule> {
    let refusal = Step::status(401).with("WWW-Authenticate: Bearer scope=\"a\"");
    let mut script = vec![Rule::once(On::Rpc("tools/call"), [refusal])];
    script.extend(if era == MODERN { modern_json() } else { legacy_json() });
    script
}

/// A call that met 401 is sent again with another token, and the application sees its result only.
#[tokio::test(start_paused = true)]
async fn a_call_survives_an_expired_token() {
    for era in [MODERN, LEGACY] {
        let server = FaultServer::memory(guarded(era));
        let http = http(&server)
            .configure(|config| config.credentials.allow_plain = true)
            .authorize(Tokens::new(&["old", "new"], AuthErrorKind::LoginNeeded));
        let client = builder(era).connect(http).await.unwrap();
        succeeds(&client).await;
        let record = server.record();
        let calls = record.of("POST tools/call");
        let tokens: Vec<_> = calls.iter().filter_map(|seen| seen.header("authorization")).collect();
        assert_eq!(tokens, ["Bearer old", "Bearer new"]);
    }
}

/// The reason reaches the application: as a refusal where a login is needed, as a failed peer where trying later helps.
#[tokio::test(start_paused = true)]
async fn the_reason_reaches_the_application() {
    use AuthErrorKind::{Denied, LoginNeeded, Protocol, Unavailable};
    for era in [MODERN, LEGACY] {
        for (kind, loss) in [
            (LoginNeeded, LossKind::Unauthorized),
            (Denied, LossKind::Unauthorized),
            (Protocol, LossKind::Unauthorized),
            (Unavailable, LossKind::PeerFailed),
        ] {
            let server = FaultServer::memory(guarded(era));
            let http = http(&server)
                .configure(|config| config.credentials.allow_plain = true)
                .authorize(Tokens::new(&["only"], kind));
            let client = builder(era).connect(http).await.unwrap();
            let error = call(&client).await.unwrap_err();
            let (kind_of_loss, details) = details(&error);
            assert_eq!(kind_of_loss, loss);
            let mcp_http::HttpError::Authorization(inner) = details else { panic!("{error}") };
            assert_eq!(inner.kind(), kind);
            assert_eq!(server.record().of("POST tools/call").len(), 1);
        }
    }
}
