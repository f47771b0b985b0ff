//! Sealing and unsealing in a handler, the same in both eras.

use crate::server::Context;

use super::{OpenError, Scope, SealError, Sealer};

impl Context {
    /// A `state` for an [`InputRequired`](crate::session::InputRequired) that contains this payload and is valid
    /// for the same call of the same user. See [`seal`](crate::server::seal).
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

    /// The payload of the state that came with the request. `None` if there is none: the first round.
    ///
    /// With a sealer for [single use](Sealer::single_use), call it once per request.
    ///
    /// # Errors
    ///
    /// See [`Sealer::open_at`]. `?` converts the error into `-32602`.
    pub async fn unseal(&self, sealer: &Sealer) -> Result<Option<Vec<u8>>, OpenError> {
        let Some(text) = self.request_state() else { return Ok(None) };
        // The session keeps the state of a legacy client, which cannot change it.
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
