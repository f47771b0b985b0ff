//! Params and results: JSON objects as text, with the positions of the members that the protocol reads.

#![expect(
    clippy::indexing_slicing,
    reason = "positions come from a scan of the same text, and the table has an entry for each field"
)]

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::meta;
use super::raw::RawJson;
use super::scan::{HARD_MAX_DEPTH, ScanError, Scanner, member_of_checked};
use super::string_scan::read_text;

/// A member of params or of a result that the protocol itself reads. Each variant names the member and its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[non_exhaustive]
pub enum Field {
    /// `_meta`.
    Meta,
    /// `_meta["io.modelcontextprotocol/protocolVersion"]`.
    MetaProtocolVersion,
    /// `_meta["io.modelcontextprotocol/clientCapabilities"]`.
    MetaClientCapabilities,
    /// `_meta["io.modelcontextprotocol/clientInfo"]`.
    MetaClientInfo,
    /// `_meta["io.modelcontextprotocol/logLevel"]`.
    MetaLogLevel,
    /// `_meta["io.modelcontextprotocol/serverInfo"]`.
    MetaServerInfo,
    /// `_meta["io.modelcontextprotocol/subscriptionId"]`.
    MetaSubscriptionId,
    /// `_meta.progressToken`.
    MetaProgressToken,
    /// `name`: of a tool or a prompt.
    Name,
    /// `arguments`: of a tool or a prompt.
    Arguments,
    /// `uri`: of a resource.
    Uri,
    /// `requestId`: of a cancelled request.
    RequestId,
    /// `progressToken`: of a progress notification.
    ProgressToken,
    /// `progress`: of a progress notification.
    Progress,
    /// `resultType`.
    ResultType,
    /// `requestState`.
    RequestState,
    /// `inputRequests`.
    InputRequests,
    /// `inputResponses`.
    InputResponses,
    /// `notifications`: a listen filter, or the honoured part of it.
    Notifications,
    /// `protocolVersion`: of `initialize` and its result.
    ProtocolVersion,
    /// `ttlMs`.
    TtlMs,
    /// `cacheScope`.
    CacheScope,
}

/// The start of an absent field. Not 0, which would make the allocator zero the memory.
const ABSENT: u32 = u32::MAX;

const FIELDS: usize = Field::CacheScope as usize + 1;

impl Field {
    fn of_member(key: &[u8]) -> Option<Field> {
        Some(match key {
            b"_meta" => Field::Meta,
            b"name" => Field::Name,
            b"arguments" => Field::Arguments,
            b"uri" => Field::Uri,
            b"requestId" => Field::RequestId,
            b"progressToken" => Field::ProgressToken,
            b"progress" => Field::Progress,
            b"resultType" => Field::ResultType,
            b"requestState" => Field::RequestState,
            b"inputRequests" => Field::InputRequests,
            b"inputResponses" => Field::InputResponses,
            b"notifications" => Field::Notifications,
            b"protocolVersion" => Field::ProtocolVersion,
            b"ttlMs" => Field::TtlMs,
            b"cacheScope" => Field::CacheScope,
            _ => return None,
        })
    }

    fn of_meta_key(key: &[u8]) -> Option<Field> {
        const KEYS: [(&str, Field); 7] = [
            (meta::PROTOCOL_VERSION, Field::MetaProtocolVersion),
            (meta::CLIENT_INFO, Field::MetaClientInfo),
            (meta::CLIENT_CAPABILITIES, Field::MetaClientCapabilities),
            (meta::PROGRESS_TOKEN, Field::MetaProgressToken),
            (meta::LOG_LEVEL, Field::MetaLogLevel),
            (meta::SERVER_INFO, Field::MetaServerInfo),
            (meta::SUBSCRIPTION_ID, Field::MetaSubscriptionId),
        ];
        KEYS.iter().find(|(name, _)| name.as_bytes() == key).map(|(_, field)| *field)
    }
}

/// The range of a field, relative to the payload: its start and its length.
type Position = (u32, u32);

/// Whether each position in a text of this length fits into a [`Position`]. A longer message is refused, and a longer payload of
/// ours has no fields.
pub(super) fn has_positions(len: usize) -> bool {
    u32::try_from(len).is_ok_and(|len| len < ABSENT)
}

fn range((start, len): Position) -> Option<Range<usize>> {
    (start != ABSENT).then_some(start as usize..start as usize + len as usize)
}

/// The position of every field, as one scan fills it in.
#[derive(Clone, Copy)]
pub(crate) struct PositionTable {
    at: [Position; FIELDS],
    /// How many fields are present.
    count: u32,
    /// The field that was set last.
    last: Option<Field>,
}

impl PositionTable {
    pub(crate) const EMPTY: PositionTable =
        PositionTable { at: [(ABSENT, ABSENT); FIELDS], count: 0, last: None };

    /// Sets a field's position; `false` if it was set already.
    fn set(&mut self, field: Field, span: Range<usize>) -> bool {
        let slot = &mut self.at[field as usize];
        let fresh = slot.0 == ABSENT;
        // Fits: `has_positions` is asked before a text is scanned.
        *slot = (span.start as u32, (span.end - span.start) as u32);
        self.count += u32::from(fresh);
        self.last = Some(field);
        fresh
    }
}

/// The positions of the fields that a payload has, in little memory.
#[derive(Clone)]
pub(crate) enum FieldPositions {
    None,
    /// Most results have `resultType` alone.
    One(Field, Position),
    /// Boxed, because messages are moved often and the table is larger than the rest of a message. Shared, because
    /// messages are cloned.
    Many(Arc<PositionTable>),
}

impl FieldPositions {
    pub(crate) fn new(table: PositionTable) -> FieldPositions {
        match (table.count, table.last) {
            (1, Some(field)) => FieldPositions::One(field, table.at[field as usize]),
            (_, None) => FieldPositions::None,
            _ => FieldPositions::Many(Arc::new(table)),
        }
    }

    fn get(&self, field: Field) -> Option<Range<usize>> {
        match self {
            FieldPositions::None => None,
            FieldPositions::One(one, position) => range(*position).filter(|_| *one == field),
            FieldPositions::Many(table) => range(table.at[field as usize]),
        }
    }
}

/// Takes an object and records the positions of its fields, relative to the start of the object. Sets
/// `duplicate` if a key that the protocol reads occurs twice: a header check might read one and the handler
/// the other.
pub(crate) fn scan_object(
    scanner: &mut Scanner<'_>,
    table: &mut PositionTable,
    duplicate: &mut bool,
) -> Result<Range<usize>, ScanError> {
    let start = scanner.position();
    scanner.object(|scanner, key| {
        let name = key.text(scanner.bytes());
        let Some(field) = Field::of_member(&name) else { return scanner.value().map(drop) };
        let span = if field == Field::Meta && scanner.peek() == Some(b'{') {
            scanner.object(|scanner, key| {
                let name = key.text(scanner.bytes());
                let (_, span) = scanner.value()?;
                if let Some(field) = Field::of_meta_key(&name) {
                    *duplicate |= !table.set(field, span.start - start..span.end - start);
                }
                Ok(())
            })?
        } else {
            scanner.value()?.1
        };
        *duplicate |= !table.set(field, span.start - start..span.end - start);
        Ok(())
    })
}

/// The params of a request or notification, or the result of a response: a JSON object as text, which knows
/// the positions of the members that the protocol reads.
///
/// The members are reached by [`Field`]; [`Payload::raw`] is the whole object. A clone shares the text.
///
/// ```
/// use mcp_core::message::{Field, Payload, RawJson};
///
/// let params = Payload::new(RawJson::parse(r#"{"name":"add","_meta":{"progressToken":7}}"#).unwrap());
/// assert_eq!(params.field_text(Field::Name).as_deref(), Some("add"));
/// assert_eq!(params.field(Field::MetaProgressToken), Some(&b"7"[..]));
/// ```
#[derive(Clone)]
pub struct Payload {
    raw: RawJson,
    /// Filled in when a received message is scanned, else at the first access.
    positions: OnceLock<FieldPositions>,
    /// Where the members behind a leading `_meta` begin; 0 if unknown. A search for one name may begin there.
    names_from: u32,
    /// It was decoded, and so has no member twice that the protocol reads.
    decoded: bool,
}

impl Payload {
    /// A payload of this object. The positions of its fields are determined at the first access.
    pub fn new(raw: RawJson) -> Payload {
        Payload { raw, positions: OnceLock::new(), names_from: 0, decoded: false }
    }

    pub(crate) fn scanned(raw: RawJson, positions: FieldPositions) -> Payload {
        Payload { positions: OnceLock::from(positions), decoded: true, ..Payload::new(raw) }
    }

    /// A payload whose first member is `_meta`, and whose other members begin at `rest`: a search for one
    /// name skips the members of `_meta`.
    pub(crate) fn after_meta(raw: RawJson, rest: usize) -> Payload {
        // Beyond 4 GiB the whole text is searched.
        Payload { names_from: u32::try_from(rest).unwrap_or(0), ..Payload::new(raw) }
    }

    /// The whole object.
    pub fn raw(&self) -> &RawJson {
        &self.raw
    }

    /// The whole object, without the positions.
    pub fn into_raw(self) -> RawJson {
        self.raw
    }

    fn span(&self, field: Field) -> Option<Range<usize>> {
        let positions = self.positions.get_or_init(|| {
            let mut table = PositionTable::EMPTY;
            if self.raw.is_object() && has_positions(self.raw.as_bytes().len()) {
                let mut scanner = Scanner::new(self.raw.as_bytes(), HARD_MAX_DEPTH);
                // Cannot fail: the text was checked when it was made.
                let _checked = scan_object(&mut scanner, &mut table, &mut false);
            }
            FieldPositions::new(table)
        });
        positions.get(field)
    }

    /// Whether there may be a `_meta` member. May return false positives, never false negatives; much cheaper than
    /// a scan for the fields.
    pub(crate) fn may_have_meta(&self) -> bool {
        let text = self.raw.as_bytes();
        // Few texts have one of the two characters, so this is cheaper than a search for the name.
        let mut found = memchr::memchr2_iter(b'\\', b'_', text);
        found.any(|at| text[at] == b'\\' || text[at..].starts_with(b"_meta"))
    }

    /// Whether it was decoded: no member that the protocol reads occurs twice.
    pub(crate) fn is_decoded(&self) -> bool {
        self.decoded
    }

    /// The JSON text of a field, or `None` if it is absent. An explicit `null` is present.
    pub fn field(&self, field: Field) -> Option<&[u8]> {
        self.span(field).map(|span| &self.raw.as_bytes()[span])
    }

    /// A field as raw JSON that shares the payload's memory, or `None` if it is absent.
    pub fn field_json(&self, field: Field) -> Option<RawJson> {
        let span = self.span(field)?;
        Some(RawJson::trusted(self.raw.clone().into_bytes().slice(span)))
    }

    /// The text of a field that is a JSON string, or `None` if it is absent or of another type. Borrowed
    /// unless it has escapes.
    pub fn field_text(&self, field: Field) -> Option<Cow<'_, str>> {
        let name = match field {
            Field::Name => "name",
            Field::Uri => "uri",
            _ => return read_text(self.field(field)?),
        };
        if self.positions.get().is_some() {
            return read_text(self.field(field)?);
        }
        // A client reads one of these two and nothing else: a search for it is much cheaper than a scan for
        // all fields.
        let span = member_of_checked(self.raw.as_bytes(), self.names_from as usize, name)?;
        read_text(&self.raw.as_bytes()[span])
    }

    /// The payload with these `_meta` members set. Adds `_meta` where it was absent.
    #[must_use]
    pub fn with_meta(&self, set: &[(&str, &RawJson)]) -> Payload {
        self.with_meta_and_members(set, &[])
    }

    /// The payload with these `_meta` members and members set. Copies the text once if `_meta` was absent.
    #[must_use]
    pub fn with_meta_and_members(&self, meta: &[(&str, &RawJson)], members: &[(&str, &RawJson)]) -> Payload {
        let merged;
        let mut set = members.to_vec();
        if !meta.is_empty() {
            let old = self.field_json(Field::Meta).filter(RawJson::is_object).unwrap_or_default();
            merged = old.with_members(meta);
            set.push(("_meta", &merged));
        }
        Payload::new(self.raw.with_members(&set))
    }
}

impl std::fmt::Debug for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(&self.raw, f)
    }
}

impl PartialEq for Payload {
    fn eq(&self, other: &Payload) -> bool {
        self.raw == other.raw
    }
}

impl From<RawJson> for Payload {
    fn from(raw: RawJson) -> Payload {
        Payload::new(raw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A position is never cut to 32 bits: a text has all of them or none.
    #[test]
    fn a_text_beyond_4_gib_has_no_positions() {
        assert!(has_positions(0) && has_positions(ABSENT as usize - 1));
        assert!(!has_positions(ABSENT as usize) && !has_positions(usize::MAX));
    }
}
