//! Elicitation: a server asks the person, by a form or by sending them to a URL.

use serde::de::Error as _;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Model;
use super::object::object;
use super::word::word;
use crate::message::RawJson;

/// The parameters of `elicitation/create` (2025-06-18 and later).
///
/// Told apart by `mode`; without one it is a form, as 2025-06-18 had it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ElicitParams {
    /// A form. Never for secrets.
    Form(ElicitForm),
    /// A page that the person opens in a browser (2025-11-25 and later).
    Url(ElicitUrl),
    /// A mode that this crate does not know: the whole object.
    Other(RawJson),
}

object! {
    /// A question by a form. Written without `mode`, which every revision reads as a form; a `mode` that
    /// came is in `extra` and goes out again.
    pub struct ElicitForm {
        required {
            /// What to tell the person.
            message: String = "message";
            /// The form, as text: a JSON Schema of one flat object with primitive members.
            requested_schema: RawJson = "requestedSchema";
        }
        optional {
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

object! {
    /// A page for the person to open. Never open it without asking. Inside [`ElicitParams`], which writes
    /// its `mode`.
    pub struct ElicitUrl {
        required {
            /// What to tell the person.
            message: String = "message";
            /// Where to.
            url: String = "url";
        }
        optional {
            /// Names it in `notifications/elicitation/complete`: required on 2025-11-25, gone on 2026-07-28.
            elicitation_id: Option<String> = opt "elicitationId", with_elicitation_id(String);
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

impl From<ElicitForm> for ElicitParams {
    fn from(form: ElicitForm) -> ElicitParams {
        ElicitParams::Form(form)
    }
}

impl From<ElicitUrl> for ElicitParams {
    fn from(url: ElicitUrl) -> ElicitParams {
        ElicitParams::Url(url)
    }
}

impl Model for ElicitParams {
    const NAME: &'static str = "ElicitParams";
}

impl Serialize for ElicitParams {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            ElicitParams::Form(form) => form.serialize(serializer),
            ElicitParams::Url(url) => {
                let mut map = serializer.serialize_map(None)?;
                map.serialize_entry("mode", "url")?;
                url.write_members(&mut map)?;
                map.end()
            }
            ElicitParams::Other(raw) => raw.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for ElicitParams {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ElicitParams, D::Error> {
        let raw = <RawJson as Deserialize>::deserialize(deserializer)?;
        let mode = raw.member("mode").filter(|mode| !mode.is_null());
        match mode.map(|mode| mode.to_text()) {
            None => raw.deserialize().map(ElicitParams::Form).map_err(D::Error::custom),
            Some(Some(mode)) if mode == "form" => {
                raw.deserialize().map(ElicitParams::Form).map_err(D::Error::custom)
            }
            Some(Some(mode)) if mode == "url" => {
                let mut url: ElicitUrl = raw.deserialize().map_err(D::Error::custom)?;
                url.extra.remove("mode");
                Ok(ElicitParams::Url(url))
            }
            Some(Some(_)) => Ok(ElicitParams::Other(raw)),
            Some(None) => Err(D::Error::custom("`mode` is not a string")),
        }
    }
}

object! {
    /// The result of `elicitation/create`.
    pub struct ElicitResult {
        required {
            /// What the person did.
            action: ElicitAction = "action";
        }
        optional {
            /// What they filled in, as text: only for a form that was accepted.
            content: Option<RawJson> = raw "content";
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

impl ElicitResult {
    /// The person filled in the form.
    pub fn accept(content: RawJson) -> ElicitResult {
        ElicitResult { content: Some(content), ..ElicitResult::new(ElicitAction::Accept) }
    }

    /// The person agreed to open the URL. It does not mean that they are done there.
    pub fn accept_url() -> ElicitResult {
        ElicitResult::new(ElicitAction::Accept)
    }

    /// The person said no.
    pub fn decline() -> ElicitResult {
        ElicitResult::new(ElicitAction::Decline)
    }

    /// The person went away without a choice.
    pub fn cancel() -> ElicitResult {
        ElicitResult::new(ElicitAction::Cancel)
    }
}

word! {
    /// What the person did.
    pub enum ElicitAction {
        /// Agreed.
        Accept = "accept",
        /// Said no.
        Decline = "decline",
        /// Went away without a choice.
        Cancel = "cancel",
    }
}

object! {
    /// The parameters of `notifications/elicitation/complete` (2025-11-25 only).
    pub struct ElicitationComplete {
        required {
            /// Which elicitation is done.
            elicitation_id: String = "elicitationId";
        }
        optional {
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

object! {
    /// The data of a `-32042` error (2025-11-25 only; ledger ERR-S-009).
    pub struct UrlElicitationRequired {
        required {
            /// What has to be done first: URL elicitations, each with an `elicitation_id`.
            elicitations: Vec<ElicitParams> = "elicitations";
        }
        optional {}
    }
}
