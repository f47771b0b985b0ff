//! Lanes, and what travels beside a message.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use crate::message::ProtocolVersion;

/// Names one exchange on a link (HTTP/2 calls this a stream). Opaque: compare it, keep it, pass it back.
///
/// Numbers below 2^63 are assigned consecutively, by the client's session or by the server's transport. Those from
/// 2^63 on are for batches that a transport receives outside an exchange, so the two never collide on a client link.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lane(u64);

impl Lane {
    /// The lane that all messages of a byte stream share. On other bindings, the lane of messages that belong to
    /// no exchange.
    pub const SHARED: Lane = Lane(0);

    const FIRST_BATCH: u64 = 1 << 63;

    /// The lane with this number. Minting counts from 1 and never reuses a number; 0 is [`Lane::SHARED`].
    pub const fn numbered(number: u64) -> Lane {
        Lane(number)
    }

    /// The lane of the `n`th batch that a transport receives outside an exchange (promise 1). Bit 63 of `n` is
    /// ignored.
    ///
    /// ```
    /// use mcp_core::transport::Lane;
    ///
    /// assert!(Lane::batch(0).is_batch() && !Lane::numbered(1).is_batch());
    /// assert_ne!(Lane::batch(0), Lane::batch(1));
    /// ```
    pub const fn batch(n: u64) -> Lane {
        Lane(Lane::FIRST_BATCH | n)
    }

    /// The number that it was made of; for [`Lane::batch`], with bit 63 set.
    pub const fn number(self) -> u64 {
        self.0
    }

    /// Whether it is [`Lane::SHARED`].
    pub const fn is_shared(self) -> bool {
        self.0 == 0
    }

    /// Whether it was made by [`Lane::batch`].
    pub const fn is_batch(self) -> bool {
        self.0 >= Lane::FIRST_BATCH
    }
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("shared"),
            number if self.is_batch() => write!(f, "batch {}", number & !Lane::FIRST_BATCH),
            number => write!(f, "lane {number}"),
        }
    }
}

/// What a transport knows about a message beyond its bytes (other protocols call these extensions). The session
/// forwards it and reads only [`Envelope::version`].
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
    /// The protocol version that governs the message. Only the session sets it, on outbound messages; bindings that
    /// carry the version in metadata read it.
    pub version: Option<ProtocolVersion>,
    extra: Option<Arc<Entry>>,
}

/// One value, and those added before it. An envelope holds a few values at most, so a linked list is cheaper than a
/// map: one allocation per value.
struct Entry<T: ?Sized = dyn Any + Send + Sync> {
    earlier: Option<Arc<Entry>>,
    value: T,
}

impl Envelope {
    /// Adds a value, which hides an earlier one of the same type. Typical values: HTTP request parts, peer
    /// credentials, a verified identity.
    #[must_use]
    pub fn with<T: Send + Sync + 'static>(mut self, value: T) -> Envelope {
        self.extra = Some(Arc::new(Entry { earlier: self.extra.take(), value }));
        self
    }

    /// The latest value of this type.
    pub fn get<T: 'static>(&self) -> Option<&T> {
        self.entries().find_map(|entry| entry.value.downcast_ref())
    }

    /// All values, the latest first.
    fn entries(&self) -> impl Iterator<Item = &Entry> {
        std::iter::successors(self.extra.as_deref(), |entry| entry.earlier.as_deref())
    }
}

/// Shows the number of values only: they may be secrets.
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
