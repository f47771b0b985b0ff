//! Lanes, and what travels beside a message.

use std::any::Any;
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
    extra: Option<Arc<Entry>>,
}

/// One value, and those that were there before it. There are a few at most, so a list beats a map, and a value costs
/// one allocation.
struct Entry<T: ?Sized = dyn Any + Send + Sync> {
    earlier: Option<Arc<Entry>>,
    value: T,
}

impl Envelope {
    /// The envelope with this value in it, in place of an earlier one of the same type. Typical values:
    /// HTTP parts, peer credentials, a verified identity.
    #[must_use]
    pub fn with<T: Send + Sync + 'static>(mut self, value: T) -> Envelope {
        self.extra = Some(Arc::new(Entry { earlier: self.extra.take(), value }));
        self
    }

    /// The value of this type, if there is one.
    pub fn get<T: 'static>(&self) -> Option<&T> {
        self.entries().find_map(|entry| entry.value.downcast_ref())
    }

    /// The latest first.
    fn entries(&self) -> impl Iterator<Item = &Entry> {
        std::iter::successors(self.extra.as_deref(), |entry| entry.earlier.as_deref())
    }
}

/// Counts the values: they may be secrets.
impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values = self.entries().count();
        f.debug_struct("Envelope").field("version", &self.version).field("values", &values).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_value_of_a_type_counts_and_others_stay() {
        let first = Envelope::default().with(1_u8).with("a");
        let second = first.clone().with(2_u8);
        assert_eq!((first.get::<u8>(), first.get::<&str>()), (Some(&1), Some(&"a")));
        assert_eq!((second.get::<u8>(), second.get::<&str>()), (Some(&2), Some(&"a")));
        assert_eq!(second.get::<u16>(), None);
    }

    /// Values may be secrets.
    #[test]
    fn values_are_not_shown() {
        let shown = format!("{:?}", Envelope::default().with("s3cret"));
        assert!(shown.contains("values: 1") && !shown.contains("s3cret"), "{shown}");
    }
}
