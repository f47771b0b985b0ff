//! Lanes, and what travels beside a message.

use std::any::{Any, TypeId};
use std::fmt;
use std::sync::Arc;

use crate::message::ProtocolVersion;

/// Names one exchange on a link. Opaque: compare it, keep it, hand it back.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lane(u64);

impl Lane {
    /// The one lane that all messages of a byte stream share; on other bindings, what belongs to no
    /// exchange.
    pub const SHARED: Lane = Lane(0);

    /// The lane of this number. Whoever mints lanes on a link counts from 1 and never reuses a number;
    /// 0 is [`Lane::SHARED`].
    pub const fn numbered(number: u64) -> Lane {
        Lane(number)
    }

    /// The number it was made of.
    pub const fn number(self) -> u64 {
        self.0
    }

    /// Whether it is [`Lane::SHARED`].
    pub const fn is_shared(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_shared() { f.write_str("shared") } else { write!(f, "lane {}", self.0) }
    }
}

/// What a transport knows about a message beyond its bytes. The session forwards it and interprets
/// nothing but [`Envelope::version`].
///
/// ```
/// use mcp_core::transport::Envelope;
///
/// #[derive(Clone, Debug, PartialEq)]
/// struct Peer(u32);
///
/// let envelope = Envelope::default().with(Peer(501));
/// assert_eq!(envelope.get::<Peer>(), Some(&Peer(501)));
/// assert_eq!(envelope.get::<u8>(), None);
/// ```
#[derive(Clone, Default)]
pub struct Envelope {
    /// The protocol version that governs the message. Set by the session alone, on the way out; read by
    /// bindings that carry it in metadata.
    pub version: Option<ProtocolVersion>,
    /// Few enough to be looked through.
    extra: Option<Arc<[Value]>>,
}

type Value = (TypeId, Arc<dyn Any + Send + Sync>);

impl Envelope {
    /// The envelope with this value in it, in place of an earlier one of the same type. Typical values:
    /// HTTP parts, peer credentials, a verified identity.
    #[must_use]
    pub fn with<T: Send + Sync + 'static>(mut self, value: T) -> Envelope {
        let kind = TypeId::of::<T>();
        let value: Value = (kind, Arc::new(value));
        let extra = match self.extra.as_deref() {
            None => Arc::from([value]),
            Some(old) => old.iter().filter(|(own, _)| *own != kind).cloned().chain([value]).collect(),
        };
        self.extra = Some(extra);
        self
    }

    /// The value of this type, if there is one.
    pub fn get<T: 'static>(&self) -> Option<&T> {
        let kind = TypeId::of::<T>();
        self.extra.as_ref()?.iter().find(|(own, _)| *own == kind)?.1.downcast_ref()
    }
}

/// Counts the values: they may be secrets.
impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values = self.extra.as_ref().map_or(0, |map| map.len());
        f.debug_struct("Envelope").field("version", &self.version).field("values", &values).finish()
    }
}
