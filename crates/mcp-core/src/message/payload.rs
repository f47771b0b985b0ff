//! Params and results: raw objects that know where the members stand which the protocol reads.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::meta;
use super::raw::RawJson;
use super::result_prefilter;
use super::scan::{HARD_MAX_DEPTH, Kind, ScanError, Scanner, member_of_checked};
use super::string_scan::read_text;

/// A member of params or of a result that the protocol itself reads.
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

/// The start of a member that is not there. Not 0: memory that is asked for as zeros costs more.
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

/// Where a field stands, relative to the payload: start and length.
type Place = (u32, u32);

fn range((start, len): Place) -> Option<Range<usize>> {
    (start != ABSENT).then_some(start as usize..start as usize + len as usize)
}

/// Where each field stands.
#[derive(Clone, Copy)]
pub(crate) struct FieldSpans {
    at: [Place; FIELDS],
    /// How many there are, and the last that was noted.
    count: u32,
    last: Option<Field>,
}

impl FieldSpans {
    pub(crate) const NONE: FieldSpans = FieldSpans { at: [(ABSENT, ABSENT); FIELDS], count: 0, last: None };

    /// Notes a member; `false` if it was there already.
    fn set(&mut self, field: Field, span: Range<usize>) -> bool {
        let slot = &mut self.at[field as usize];
        let fresh = slot.0 == ABSENT;
        // Texts are far shorter than 4 GiB: the message limits see to that.
        *slot = (span.start as u32, (span.end - span.start) as u32);
        self.count += u32::from(fresh);
        self.last = Some(field);
        fresh
    }
}

/// The fields that a payload keeps.
#[derive(Clone)]
pub(crate) enum Places {
    None,
    /// Most results have no other field than `resultType`.
    One(Field, Place),
    /// Apart: a message moves often, and its fields are larger than the rest of it. Shared: it is cloned, too.
    Many(Arc<FieldSpans>),
}

impl Places {
    pub(crate) fn new(fields: FieldSpans) -> Places {
        match (fields.count, fields.last) {
            (1, Some(field)) => Places::One(field, fields.at[field as usize]),
            (_, None) => Places::None,
            _ => Places::Many(Arc::new(fields)),
        }
    }

    fn get(&self, field: Field) -> Option<Range<usize>> {
        match self {
            Places::None => None,
            Places::One(one, place) => range(*place).filter(|_| *one == field),
            Places::Many(fields) => range(fields.at[field as usize]),
        }
    }
}

/// Takes an object and notes its fields, relative to where the object starts. Sets `duplicate` if a key
/// that the protocol reads stands there twice: else a header check reads one and the handler another.
pub(crate) fn scan_object(
    scanner: &mut Scanner<'_>,
    fields: &mut FieldSpans,
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
                    *duplicate |= !fields.set(field, span.start - start..span.end - start);
                }
                Ok(())
            })?
        } else {
            scanner.value()?.1
        };
        *duplicate |= !fields.set(field, span.start - start..span.end - start);
        Ok(())
    })
}

/// The params of a request or notification, or the result of a response: always an object
/// (ledger RPC-B-007, RPC-B-009), as text, with the places of what the protocol reads in it.
///
/// ```
/// use mcp_core::message::{Field, Payload, RawJson};
///
/// let params = Payload::new(RawJson::parse(r#"{"name":"add","_meta":{"progressToken":7}}"#).unwrap());
/// assert_eq!(params.text(Field::Name).as_deref(), Some("add"));
/// assert_eq!(params.field(Field::MetaProgressToken), Some(&b"7"[..]));
/// ```
#[derive(Clone)]
pub struct Payload {
    raw: RawJson,
    /// Noted when the text is read, or else looked up when somebody asks for one.
    places: OnceLock<Places>,
    /// Where a look for a name begins: 0, or where the members begin that stand behind `_meta`.
    names_from: u32,
    /// A quick look has shown that there is no `_meta`.
    lacks_meta: bool,
}

impl Payload {
    /// A payload of our own making. The places are looked up when somebody asks for one.
    pub fn new(raw: RawJson) -> Payload {
        Payload { raw, places: OnceLock::new(), names_from: 0, lacks_meta: false }
    }

    /// A handler's result, for a look at what a server reads in results: `resultType`, `_meta`, the caching hints.
    /// A quick look spares most results the scan: if no member has one of the names, no field is looked for any more. So
    /// what goes on elsewhere has to be a new payload.
    pub(crate) fn result(raw: RawJson) -> Payload {
        if !result_prefilter::may_hold_names(raw.as_bytes()) {
            return Payload { places: OnceLock::from(Places::None), ..Payload::new(raw) };
        }
        Payload::new(raw)
    }

    pub(crate) fn scanned(raw: RawJson, places: Places) -> Payload {
        Payload { places: OnceLock::from(places), ..Payload::new(raw) }
    }

    /// What the application gave. A quick look spares most of it the scan for `_meta`: there is none if the name
    /// stands nowhere, and nothing is written with escapes.
    pub(crate) fn of_application(raw: RawJson) -> Payload {
        let text = raw.as_bytes();
        // Few texts have any of the two characters: cheaper than a search for the name.
        let mut found = memchr::memchr2_iter(b'\\', b'_', text);
        let lacks_meta = !found.any(|at| text[at] == b'\\' || text[at..].starts_with(b"_meta"));
        Payload { lacks_meta, ..Payload::new(raw) }
    }

    /// A payload of our own making whose first member is `_meta`, and whose others begin at `rest`: a name is not
    /// looked for among the many of the first.
    pub(crate) fn after_meta(raw: RawJson, rest: usize) -> Payload {
        // Beyond 4 GiB the whole text is looked through.
        Payload { names_from: u32::try_from(rest).unwrap_or(0), ..Payload::new(raw) }
    }

    /// The whole object.
    pub fn raw(&self) -> &RawJson {
        &self.raw
    }

    /// The whole object, without the places.
    pub fn into_raw(self) -> RawJson {
        self.raw
    }

    fn span(&self, field: Field) -> Option<Range<usize>> {
        let places = self.places.get_or_init(|| {
            let mut fields = FieldSpans::NONE;
            if self.raw.is_object() {
                let mut scanner = Scanner::new(self.raw.as_bytes(), HARD_MAX_DEPTH);
                // The text was checked when it was made.
                let _checked = scan_object(&mut scanner, &mut fields, &mut false);
            }
            Places::new(fields)
        });
        places.get(field)
    }

    /// Whether it is known that there is no `_meta`.
    pub(crate) fn lacks_meta(&self) -> bool {
        self.lacks_meta
    }

    /// The JSON text of a member, if it is there. `null` is there.
    pub fn field(&self, field: Field) -> Option<&[u8]> {
        self.span(field).map(|span| &self.raw.as_bytes()[span])
    }

    /// A member as raw JSON that shares the payload's memory.
    pub fn get(&self, field: Field) -> Option<RawJson> {
        let span = self.span(field)?;
        Some(RawJson::trusted(self.raw.clone().into_bytes().slice(span)))
    }

    /// A member's text, if it is there and a string.
    pub fn text(&self, field: Field) -> Option<String> {
        self.text_ref(field).map(Cow::into_owned)
    }

    /// A member's text, borrowed unless it was written with escapes.
    pub fn text_ref(&self, field: Field) -> Option<Cow<'_, str>> {
        let json = self.field(field)?;
        read_text(json)
    }

    /// [`Payload::text_ref`] of [`Field::Name`] or [`Field::Uri`], where nothing else of the payload is asked for: much
    /// cheaper then, for the places of the other fields are not looked up.
    pub fn only_text(&self, field: Field) -> Option<Cow<'_, str>> {
        let name = match field {
            Field::Name => "name",
            Field::Uri => "uri",
            _ => return self.text_ref(field),
        };
        if self.places.get().is_some() {
            return self.text_ref(field);
        }
        let span = member_of_checked(self.raw.as_bytes(), self.names_from as usize, name)?;
        read_text(&self.raw.as_bytes()[span])
    }

    /// The payload with these `_meta` members set, and `_meta` made where there was none.
    #[must_use]
    pub fn with_meta(&self, set: &[(&str, &RawJson)]) -> Payload {
        self.with_meta_and_members(set, &[])
    }

    /// The payload with `_meta` members and members set, in one copy where `_meta` was absent.
    #[must_use]
    pub fn with_meta_and_members(&self, meta: &[(&str, &RawJson)], members: &[(&str, &RawJson)]) -> Payload {
        let merged;
        let mut set = members.to_vec();
        if !meta.is_empty() {
            let old = self.get(Field::Meta).filter(RawJson::is_object).unwrap_or_default();
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

/// The kind of a value, in words.
pub(crate) fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Null => "null",
        Kind::Bool => "a boolean",
        Kind::Number => "a number",
        Kind::String => "a string",
        Kind::Array => "an array",
        Kind::Object => "an object",
    }
}
