//! Params and results: raw objects that know where the members stand which the protocol reads.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::glance;
use super::meta;
use super::raw::RawJson;
use super::scan::{HARD_MAX_DEPTH, Kind, ScanError, Scanner, member_of_checked};

/// A member of params or of a result that the protocol itself reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[non_exhaustive]
pub enum Mark {
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

const MARKS: usize = Mark::CacheScope as usize + 1;

impl Mark {
    fn of_member(key: &[u8]) -> Option<Mark> {
        Some(match key {
            b"_meta" => Mark::Meta,
            b"name" => Mark::Name,
            b"arguments" => Mark::Arguments,
            b"uri" => Mark::Uri,
            b"requestId" => Mark::RequestId,
            b"progressToken" => Mark::ProgressToken,
            b"progress" => Mark::Progress,
            b"resultType" => Mark::ResultType,
            b"requestState" => Mark::RequestState,
            b"inputRequests" => Mark::InputRequests,
            b"inputResponses" => Mark::InputResponses,
            b"notifications" => Mark::Notifications,
            b"protocolVersion" => Mark::ProtocolVersion,
            b"ttlMs" => Mark::TtlMs,
            b"cacheScope" => Mark::CacheScope,
            _ => return None,
        })
    }

    fn of_meta_key(key: &[u8]) -> Option<Mark> {
        const KEYS: [(&str, Mark); 7] = [
            (meta::PROTOCOL_VERSION, Mark::MetaProtocolVersion),
            (meta::CLIENT_INFO, Mark::MetaClientInfo),
            (meta::CLIENT_CAPABILITIES, Mark::MetaClientCapabilities),
            (meta::PROGRESS_TOKEN, Mark::MetaProgressToken),
            (meta::LOG_LEVEL, Mark::MetaLogLevel),
            (meta::SERVER_INFO, Mark::MetaServerInfo),
            (meta::SUBSCRIPTION_ID, Mark::MetaSubscriptionId),
        ];
        KEYS.iter().find(|(name, _)| name.as_bytes() == key).map(|(_, mark)| *mark)
    }
}

/// Where a mark stands, relative to the payload: start and length.
type Place = (u32, u32);

fn range((start, len): Place) -> Option<Range<usize>> {
    (start != ABSENT).then_some(start as usize..start as usize + len as usize)
}

/// Where each mark stands.
#[derive(Clone, Copy)]
pub(crate) struct Marks {
    at: [Place; MARKS],
    /// How many there are, and the last that was noted.
    count: u32,
    last: Option<Mark>,
}

impl Marks {
    pub(crate) const NONE: Marks = Marks { at: [(ABSENT, ABSENT); MARKS], count: 0, last: None };

    /// Notes a member; `false` if it was there already.
    fn set(&mut self, mark: Mark, span: Range<usize>) -> bool {
        let slot = &mut self.at[mark as usize];
        let fresh = slot.0 == ABSENT;
        // Texts are far shorter than 4 GiB: the message limits see to that.
        *slot = (span.start as u32, (span.end - span.start) as u32);
        self.count += u32::from(fresh);
        self.last = Some(mark);
        fresh
    }
}

/// The marks that a payload keeps.
#[derive(Clone)]
pub(crate) enum Places {
    None,
    /// Most results have no other mark than `resultType`.
    One(Mark, Place),
    /// Apart: a message moves often, and its marks are larger than the rest of it. Shared: it is cloned, too.
    Many(Arc<Marks>),
}

impl Places {
    pub(crate) fn new(marks: Marks) -> Places {
        match (marks.count, marks.last) {
            (1, Some(mark)) => Places::One(mark, marks.at[mark as usize]),
            (_, None) => Places::None,
            _ => Places::Many(Arc::new(marks)),
        }
    }

    fn get(&self, mark: Mark) -> Option<Range<usize>> {
        match self {
            Places::None => None,
            Places::One(one, place) => range(*place).filter(|_| *one == mark),
            Places::Many(marks) => range(marks.at[mark as usize]),
        }
    }
}

/// Takes an object and notes its marks, relative to where the object starts. Sets `duplicate` if a key
/// that the protocol reads stands there twice: else a header check reads one and the handler another.
pub(crate) fn scan_object(
    scanner: &mut Scanner<'_>,
    marks: &mut Marks,
    duplicate: &mut bool,
) -> Result<Range<usize>, ScanError> {
    let start = scanner.position();
    scanner.object(|scanner, key| {
        let name = key.text(scanner.bytes());
        let Some(mark) = Mark::of_member(&name) else { return scanner.value().map(drop) };
        let span = if mark == Mark::Meta && scanner.peek() == Some(b'{') {
            scanner.object(|scanner, key| {
                let name = key.text(scanner.bytes());
                let (_, span) = scanner.value()?;
                if let Some(mark) = Mark::of_meta_key(&name) {
                    *duplicate |= !marks.set(mark, span.start - start..span.end - start);
                }
                Ok(())
            })?
        } else {
            scanner.value()?.1
        };
        *duplicate |= !marks.set(mark, span.start - start..span.end - start);
        Ok(())
    })
}

/// The params of a request or notification, or the result of a response: always an object
/// (ledger RPC-B-007, RPC-B-009), as text, with the places of what the protocol reads in it.
///
/// ```
/// use mcp_core::message::{Mark, Payload, RawJson};
///
/// let params = Payload::new(RawJson::parse(r#"{"name":"add","_meta":{"progressToken":7}}"#).unwrap());
/// assert_eq!(params.text(Mark::Name).as_deref(), Some("add"));
/// assert_eq!(params.mark(Mark::MetaProgressToken), Some(&b"7"[..]));
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
    /// A quick look spares most results the scan: if no member has one of the names, no mark is looked for any more. So
    /// what goes on elsewhere has to be a new payload.
    pub(crate) fn result(raw: RawJson) -> Payload {
        if !glance::may_hold_names(raw.as_bytes()) {
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

    fn span(&self, mark: Mark) -> Option<Range<usize>> {
        let places = self.places.get_or_init(|| {
            let mut marks = Marks::NONE;
            if self.raw.is_object() {
                let mut scanner = Scanner::new(self.raw.as_bytes(), HARD_MAX_DEPTH);
                // The text was checked when it was made.
                let _checked = scan_object(&mut scanner, &mut marks, &mut false);
            }
            Places::new(marks)
        });
        places.get(mark)
    }

    /// Whether it is known that there is no `_meta`.
    pub(crate) fn lacks_meta(&self) -> bool {
        self.lacks_meta
    }

    /// The JSON text of a member, if it is there. `null` is there.
    pub fn mark(&self, mark: Mark) -> Option<&[u8]> {
        self.span(mark).map(|span| &self.raw.as_bytes()[span])
    }

    /// A member as raw JSON that shares the payload's memory.
    pub fn get(&self, mark: Mark) -> Option<RawJson> {
        let span = self.span(mark)?;
        Some(RawJson::trusted(self.raw.clone().into_bytes().slice(span)))
    }

    /// A member's text, if it is there and a string.
    pub fn text(&self, mark: Mark) -> Option<String> {
        self.text_ref(mark).map(Cow::into_owned)
    }

    /// A member's text, borrowed unless it was written with escapes.
    pub fn text_ref(&self, mark: Mark) -> Option<Cow<'_, str>> {
        let json = self.mark(mark)?;
        read_text(json)
    }

    /// [`Payload::text_ref`] of [`Mark::Name`] or [`Mark::Uri`], where nothing else of the payload is asked for: much
    /// cheaper then, for the places of the other marks are not looked up.
    pub fn only_text(&self, mark: Mark) -> Option<Cow<'_, str>> {
        let name = match mark {
            Mark::Name => "name",
            Mark::Uri => "uri",
            _ => return self.text_ref(mark),
        };
        if self.places.get().is_some() {
            return self.text_ref(mark);
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
            let old = self.get(Mark::Meta).filter(RawJson::is_object).unwrap_or_default();
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

/// The text of a JSON string, if it is one; borrowed unless it was written with escapes.
pub(crate) fn read_text(json: &[u8]) -> Option<Cow<'_, str>> {
    let inner = json.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    if memchr::memchr(b'\\', inner).is_some() {
        return serde_json::from_slice(json).ok().map(Cow::Owned);
    }
    std::str::from_utf8(inner).ok().map(Cow::Borrowed)
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
