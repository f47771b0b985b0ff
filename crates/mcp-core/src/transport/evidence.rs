//! What the peer of a link has shown last, for errors of time.

use std::fmt;
use std::sync::Arc;

/// Tells what the peer of a link has shown beside its messages: the end of stderr, input that could not be read, a line
/// that is not finished. The driver puts it into errors of time, which would say nothing otherwise.
///
/// Clones describe the same link, also after its end.
#[derive(Clone)]
pub struct PeerEvidence(Arc<dyn Fn() -> Option<String> + Send + Sync>);

impl PeerEvidence {
    /// Evidence that this function describes, in words for people: bounded, and without control characters but line
    /// breaks. It returns `None` if there is nothing unusual, and is called when a call times out.
    pub fn new(describe: impl Fn() -> Option<String> + Send + Sync + 'static) -> PeerEvidence {
        PeerEvidence(Arc::new(describe))
    }

    /// What is known now.
    pub fn describe(&self) -> Option<String> {
        (self.0)()
    }
}

impl fmt::Debug for PeerEvidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PeerEvidence").field(&self.describe()).finish()
    }
}
