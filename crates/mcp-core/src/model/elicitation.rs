//! Elicitation: a server asks the user, with a form or by opening a URL.
//!
//! See [elicitation](https://modelcontextprotocol.io/specification/2025-11-25/client/elicitation).

use serde::de::Error as _;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Model;
use super::object::object;
use super::word::word;
use crate::message::RawJson;

/// The parameters of `elicitation/create` (2025-06-18 and later).
///
/// The `mode` member selects the variant. Without one it is a form, as in 2025-06-18.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ElicitParams {
    /// A form, which must not ask for secrets.
    Form(ElicitForm),
    /// A page for the user to open in a browser (2025-11-25 and later).
    Url(ElicitUrl),
    /// The whole object, of a mode that this crate does not define.
    Other(RawJson),
}

object! {
    /// A form for the user to fill in. Written without `mode`, which every revision reads as a form; a
    /// received `mode` is kept in `extra`.
    pub struct ElicitForm {
        required {
            /// The text to show to the user.
            message: String = "message";
            /// The form: a JSON Schema of a flat object with primitive members.
            requested_schema: RawJson = "requestedSchema";
        }
        optional {
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

object! {
    /// A page for the user to open. Ask before opening it. [`ElicitParams`] writes its `mode`.
    pub struct ElicitUrl {
        required {
            /// The text to show to the user.
            message: String = "message";
            /// The URL of the page.
            url: String = "url";
        }
        optional {
            /// The id for `notifications/elicitation/complete`. Required on 2025-11-25, absent on 2026-07-28.
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
            Some(None) => Err(D::Error::custom("`mode` must be a string")),
        }
    }
}

object! {
    /// The result of `elicitation/create`.
    pub struct ElicitResult {
        required {
            /// The decision of the user.
            action: ElicitAction = "action";
        }
        optional {
            /// The values of an accepted form.
            content: Option<RawJson> = raw "content";
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

impl ElicitResult {
    /// The user accepted the form, with these values.
    pub fn accept(content: impl Into<RawJson>) -> ElicitResult {
        ElicitResult { content: Some(content.into()), ..ElicitResult::new(ElicitAction::Accept) }
    }

    /// The user agreed to open the URL. It does not mean that the interaction there is finished.
    pub fn accept_url() -> ElicitResult {
        ElicitResult::new(ElicitAction::Accept)
    }

    /// The user declined.
    pub fn decline() -> ElicitResult {
        ElicitResult::new(ElicitAction::Decline)
    }

    /// The user dismissed the question without a choice.
    pub fn cancel() -> ElicitResult {
        ElicitResult::new(ElicitAction::Cancel)
    }
}

word! {
    /// The decision of the user.
    pub enum ElicitAction {
        /// The user accepted.
        Accept = "accept",
        /// The user declined.
        Decline = "decline",
        /// The user dismissed the question without a choice.
        Cancel = "cancel",
    }
}

object! {
    /// The parameters of `notifications/elicitation/complete` (2025-11-25 only).
    pub struct ElicitationComplete {
        required {
            /// The id of the finished elicitation.
            elicitation_id: String = "elicitationId";
        }
        optional {
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

object! {
    /// The data of a `-32042` error (2025-11-25 only).
    pub struct UrlElicitationRequired {
        required {
            /// The URL elicitations that must be finished first, each with an `elicitation_id`.
            elicitations: Vec<ElicitParams> = "elicitations";
        }
        optional {}
    }
}
