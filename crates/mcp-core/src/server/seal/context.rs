//! Sealing and opening around a request, the same in both eras.

use crate::server::Context;

use super::{OpenError, Scope, SealError, Sealer};

impl Context {
    /// A `state` for an [`InputRequired`](crate::session::InputRequired): this payload, good for the same
    /// call of the same user. See [`seal`](crate::server::seal).
    ///
    /// # Errors
    ///
    /// See [`Sealer::seal_at`].
    pub fn seal(&self, sealer: &Sealer, payload: impl AsRef<[u8]>) -> Result<String, SealError> {
        if !self.version().is_modern() {
            return super::text::plain(payload.as_ref());
        }
        let principal = sealer.principal_of(self.envelope());
        sealer.seal(self.scope(principal.as_deref()), payload)
    }

    /// The payload that came back, if the request brought any state: `None` is the first round.
    ///
    /// Where the sealer is for [single use](Sealer::single_use), call it once for each request.
    ///
    /// # Errors
    ///
    /// See [`Sealer::open_at`]. The error becomes `-32602` with `?`.
    pub async fn unseal(&self, sealer: &Sealer) -> Result<Option<Vec<u8>>, OpenError> {
        let Some(text) = self.request_state() else { return Ok(None) };
        // A legacy state is the session's word: a client cannot say one, whatever it sends.
        if !self.version().is_modern() {
            return Ok(Some(super::text::from_plain(text)?));
        }
        let principal = sealer.principal_of(self.envelope());
        sealer.open(self.scope(principal.as_deref()), text).await.map(Some)
    }

    fn scope<'a>(&'a self, principal: Option<&'a [u8]>) -> Scope<'a> {
        Scope { method: self.method().as_str(), params: self.params(), principal }
    }
}
