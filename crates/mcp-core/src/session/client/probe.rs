//! Era detection as a table from the probe's outcome to the next action. Pure functions.

use crate::message::{ErrorObject, Payload, ProtocolVersion, RawJson, code};
use crate::transport::LossKind;

use super::modern;

/// The outcome of the probe, `server/discover`.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum ProbeOutcome {
    /// A DiscoverResult with these revisions.
    Discovered(Vec<String>),
    /// `-32022` whose data lists revisions.
    Unsupported(Vec<String>),
    /// Another error whose data lists revisions, as legacy servers refuse a version.
    Listed(Vec<String>),
    /// Any other error: its code, and whether `data.requiredCapabilities` is an object.
    Error(i64, bool),
    /// Any other result, or an answer that is not JSON-RPC.
    Nonsense,
    /// No answer will come.
    Lost(LossKind),
    /// No answer came in time.
    Silence,
    /// The link ended.
    LinkClosed,
}

/// What the decision depends on besides the outcome.
#[derive(Clone, Copy, Debug)]
pub(super) struct ProbeContext<'a> {
    /// The allowed revisions, newest first.
    pub(super) versions: &'a [ProtocolVersion],
    /// See `Binding::continuous`.
    pub(super) continuous: bool,
    /// See `Binding::mirrors`.
    pub(super) mirrors: bool,
}

/// The rows, in the order in which they are matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Row {
    /// 1: the carrier refused or failed, which says nothing about the era.
    Carrier = 1,
    /// 2: the best common revision is modern.
    Modern,
    /// 3: the peer lists its revisions, and the best common one is legacy.
    ListedLegacy,
    /// 4: the peer lists its revisions, and none is allowed.
    NothingInCommon,
    /// 5: an error that only a modern peer makes.
    ModernRefusal,
    /// 6: any other answer. Not keyed to one code.
    // ERA-C-004.
    AnythingElse,
    /// 7: silence on one long-lived stream.
    SilentStream,
    /// 8: a long-lived stream ended; many servers exit on an unknown first request.
    ClosedStream,
    /// 9: silence, or the end, on any other binding.
    NoAnswer,
}

/// What to do after the probe.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum ProbeAction {
    /// Report the outcome; the era stays unknown.
    Report,
    /// Modern, at this revision.
    Modern(ProtocolVersion),
    /// Modern: send the probe again, once, at this revision.
    Retry(ProtocolVersion),
    /// Legacy: `initialize` at this revision.
    Initialize(ProtocolVersion),
    /// No revision in common with these.
    NothingInCommon(Vec<String>),
    /// Send `initialize` at this revision, and keep the probe open.
    Beside(ProtocolVersion),
    /// Make a new link, and send `initialize` at this revision first.
    Respawn(ProtocolVersion),
    /// The peer is legacy, and that is not allowed.
    NotModern,
    /// Keep waiting: only modern is allowed, and the start limit applies.
    Wait,
}

type Rule = fn(&ProbeOutcome, &ProbeContext<'_>) -> Option<ProbeAction>;

const TABLE: [(Row, Rule); 9] = [
    (Row::Carrier, |outcome, _| match outcome {
        // These two losses are answers: the peer is there and did not understand.
        ProbeOutcome::Lost(LossKind::NotUnderstood | LossKind::SessionLost { .. }) => None,
        ProbeOutcome::Lost(_) => Some(ProbeAction::Report),
        _ => None,
    }),
    (Row::Modern, |outcome, context| match outcome {
        ProbeOutcome::Discovered(theirs) => modern_of(context, theirs).map(ProbeAction::Modern),
        ProbeOutcome::Unsupported(theirs) => modern_of(context, theirs).map(ProbeAction::Retry),
        _ => None,
    }),
    (Row::ListedLegacy, |outcome, context| {
        let theirs = match outcome {
            ProbeOutcome::Listed(theirs) => return context.best_legacy(theirs).map(ProbeAction::Initialize),
            outcome => listed(outcome)?,
        };
        context.best(theirs).map(ProbeAction::Initialize)
    }),
    (Row::NothingInCommon, |outcome, _| {
        listed(outcome).map(|theirs| ProbeAction::NothingInCommon(theirs.to_vec()))
    }),
    (Row::ModernRefusal, |outcome, context| match outcome {
        ProbeOutcome::Error(code::MISSING_CLIENT_CAPABILITY, true) => Some(ProbeAction::Report),
        ProbeOutcome::Error(code::HEADER_MISMATCH, _) if context.mirrors => Some(ProbeAction::Report),
        _ => None,
    }),
    (Row::AnythingElse, |outcome, context| match outcome {
        ProbeOutcome::Error(..)
        | ProbeOutcome::Listed(_)
        | ProbeOutcome::Nonsense
        | ProbeOutcome::Lost(_) => {
            Some(context.legacy().map_or(ProbeAction::NotModern, ProbeAction::Initialize))
        }
        _ => None,
    }),
    (Row::SilentStream, |outcome, context| {
        (*outcome == ProbeOutcome::Silence && context.continuous)
            .then(|| context.legacy().map_or(ProbeAction::Wait, ProbeAction::Beside))
    }),
    (Row::ClosedStream, |outcome, context| {
        (*outcome == ProbeOutcome::LinkClosed && context.continuous)
            .then(|| context.legacy().map_or(ProbeAction::Report, ProbeAction::Respawn))
    }),
    (Row::NoAnswer, |_, _| Some(ProbeAction::Report)),
];

/// The first row that matches wins.
pub(super) fn judge(outcome: &ProbeOutcome, context: &ProbeContext<'_>) -> (Row, ProbeAction) {
    TABLE
        .iter()
        .find_map(|(row, fits)| fits(outcome, context).map(|action| (*row, action)))
        .unwrap_or((Row::NoAnswer, ProbeAction::Report))
}

impl ProbeContext<'_> {
    /// The newest allowed revision that the peer lists.
    // T-08.
    pub(super) fn best(&self, theirs: &[String]) -> Option<ProtocolVersion> {
        self.versions.iter().copied().find(|ours| theirs.iter().any(|label| label == ours.as_str()))
    }

    /// The newest allowed revision with a handshake that the peer lists.
    pub(super) fn best_legacy(&self, theirs: &[String]) -> Option<ProtocolVersion> {
        let listed = |ours: &ProtocolVersion| theirs.iter().any(|label| label == ours.as_str());
        self.versions.iter().copied().find(|ours| ours.is_legacy() && listed(ours))
    }

    /// The newest revision with a handshake.
    pub(super) fn legacy(&self) -> Option<ProtocolVersion> {
        self.versions.iter().copied().find(|version| version.is_legacy())
    }

    /// The newest revision without one.
    pub(super) fn modern(&self) -> Option<ProtocolVersion> {
        self.versions.iter().copied().find(|version| version.is_modern())
    }
}

fn modern_of(context: &ProbeContext<'_>, theirs: &[String]) -> Option<ProtocolVersion> {
    context.best(theirs).filter(|version| version.is_modern())
}

fn listed(outcome: &ProbeOutcome) -> Option<&[String]> {
    match outcome {
        ProbeOutcome::Discovered(theirs) | ProbeOutcome::Unsupported(theirs) => Some(theirs),
        _ => None,
    }
}

/// Classifies a result.
pub(super) fn seen_in_result(result: &Payload) -> ProbeOutcome {
    if !modern::is_complete(result) {
        return ProbeOutcome::Nonsense;
    }
    result
        .raw()
        .member("supportedVersions")
        .as_ref()
        .and_then(strings)
        .map_or(ProbeOutcome::Nonsense, ProbeOutcome::Discovered)
}

/// Classifies an error.
// T-07.
pub(super) fn seen_in_error(error: &ErrorObject) -> ProbeOutcome {
    match listed_by(error) {
        Some(theirs) if error.code == code::UNSUPPORTED_VERSION => return ProbeOutcome::Unsupported(theirs),
        Some(theirs) => return ProbeOutcome::Listed(theirs),
        None => {}
    }
    let required = error.data.as_ref().and_then(|data| data.member("requiredCapabilities"));
    ProbeOutcome::Error(error.code, required.is_some_and(|required| required.is_object()))
}

/// The members of an error's data in which servers list the revisions that they speak. The first is the
/// specification's.
const LISTS: [&str; 4] =
    ["supported", "supportedVersions", "supportedProtocolVersions", "supported_versions"];

/// The revisions that an error lists in its data. Under a code other than `-32022` at least one has to be a date, as
/// all revisions are: other errors list other things. In a place that is not known, one has to be a revision.
pub(super) fn listed_by(error: &ErrorObject) -> Option<Vec<String>> {
    let data = error.data.as_ref()?;
    let known = LISTS.iter().find_map(|name| data.member(name)).and_then(|list| labels(&list));
    let is_list = |list: &Vec<String>| {
        error.code == code::UNSUPPORTED_VERSION || list.iter().any(|label| is_date(label))
    };
    known.filter(is_list).or_else(|| {
        let members = data.members().into_iter().filter(|(name, _)| !is_of_request(name));
        let places = std::iter::once(data.clone()).chain(members.map(|(_, value)| value));
        let is_revision = |label: &String| ProtocolVersion::parse(label).is_some();
        places.filter_map(|place| labels(&place)).find(|list| list.iter().any(is_revision))
    })
}

/// Whether a member of an error's data repeats what was asked for.
fn is_of_request(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["request", "client", "receiv", "given", "got", "actual"].iter().any(|word| name.contains(word))
}

/// A list of texts, or one text.
fn labels(value: &RawJson) -> Option<Vec<String>> {
    value.to_text().map(|one| vec![one]).or_else(|| strings(value))
}

fn is_date(label: &str) -> bool {
    label.len() == 10
        && label
            .bytes()
            .enumerate()
            .all(|(n, byte)| if matches!(n, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() })
}

fn strings(array: &RawJson) -> Option<Vec<String>> {
    if array.as_bytes().first() != Some(&b'[') {
        return None;
    }
    array.elements().iter().map(RawJson::to_text).collect()
}
