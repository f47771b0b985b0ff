//! Requests for input by the server: which are allowed, and which are open.

use std::collections::BTreeMap;

use crate::message::{RawJson, RequestId};
use crate::session::{CallId, InputId, InputRequest};
use crate::transport::Lane;

/// The most requests for input that may be open. One more is refused.
pub(super) const MAX_OPEN: usize = 1024;

impl InputRequest {
    /// What this request needs of a client's capabilities and they lack: an object like `ClientCapabilities`, for
    /// [`ErrorObject::missing_capability`](crate::message::ErrorObject::missing_capability). `None` if they cover it. Empty if
    /// no capability covers such a request.
    ///
    /// ```
    /// use mcp_core::message::RawJson;
    /// use mcp_core::session::InputRequest;
    ///
    /// let question = InputRequest::new("q", "sampling/createMessage", None);
    /// let missing = question.missing(&RawJson::EMPTY_OBJECT).unwrap();
    /// assert_eq!(missing.to_string(), r#"{"sampling":{}}"#);
    /// assert!(question.missing(&missing).is_none());
    /// ```
    pub fn missing(&self, capabilities: &RawJson) -> Option<RawJson> {
        let (method, params) = (self.method.as_str(), self.params.as_ref());
        ClientFeatures::read(capabilities).allows(method, params).err()?;
        let member = |name: &str| params.and_then(|params| params.member(name));
        let part = match method {
            "sampling/createMessage" if member("tools").is_some() => Some("tools"),
            "elicitation/create" => match member("mode").and_then(|mode| mode.to_text()).as_deref() {
                None | Some("form") => Some("form"),
                Some("url") => Some("url"),
                Some(_) => None,
            },
            _ => None,
        };
        let of = part.map_or(RawJson::EMPTY_OBJECT, |part| RawJson::object([(part, RawJson::EMPTY_OBJECT)]));
        let name = match method {
            "roots/list" => "roots",
            "sampling/createMessage" => "sampling",
            "elicitation/create" => "elicitation",
            _ => return Some(RawJson::EMPTY_OBJECT),
        };
        Some(RawJson::object([(name, of)]))
    }
}

/// The client's declared capabilities to answer requests for input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ClientFeatures {
    roots: bool,
    sampling: bool,
    sampling_tools: bool,
    form: bool,
    url: bool,
}

/// Why a request for input is not passed to the application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NotAsked {
    /// The capability was not declared: `-32601`.
    // LIFE-C-016.
    Undeclared,
    /// The capability was declared, but not this use of it: `-32602`.
    // LIFE-S-014.
    Mode(&'static str),
}

impl ClientFeatures {
    pub(super) fn read(capabilities: &RawJson) -> ClientFeatures {
        let object = |of: &RawJson, name: &str| of.member(name).filter(RawJson::is_object);
        let sampling = object(capabilities, "sampling");
        let elicitation = object(capabilities, "elicitation");
        let url = elicitation.as_ref().is_some_and(|of| of.member("url").is_some());
        // An empty object stands for forms: that is all there was before the modes.
        let form = elicitation.as_ref().is_some_and(|of| of.member("form").is_some() || !url);
        ClientFeatures {
            roots: object(capabilities, "roots").is_some(),
            sampling_tools: sampling.as_ref().is_some_and(|of| of.member("tools").is_some()),
            sampling: sampling.is_some(),
            form,
            url,
        }
    }

    /// Checks that the client declared the capability for this request.
    pub(super) fn allows(&self, method: &str, params: Option<&RawJson>) -> Result<(), NotAsked> {
        let member = |name: &str| params.and_then(|params| params.member(name));
        let declared = match method {
            "roots/list" => self.roots,
            "sampling/createMessage" => self.sampling,
            "elicitation/create" => self.form || self.url,
            _ => false,
        };
        if !declared {
            return Err(NotAsked::Undeclared);
        }
        match method {
            "sampling/createMessage" if !self.sampling_tools && member("tools").is_some() => {
                Err(NotAsked::Mode("sampling with tools was not declared"))
            }
            "elicitation/create" => {
                let mode = member("mode");
                let allowed = match mode.as_ref().map(RawJson::as_bytes) {
                    None | Some(b"\"form\"") => self.form,
                    Some(b"\"url\"") => self.url,
                    Some(_) => false,
                };
                if allowed {
                    Ok(())
                } else {
                    Err(NotAsked::Mode("this mode of elicitation was not declared"))
                }
            }
            _ => Ok(()),
        }
    }
}

/// What waits for the answer.
#[derive(Clone, Debug)]
pub(super) enum Asker {
    /// A legacy server, by a request under this id.
    Server { lane: Lane, id: RequestId },
    /// A round of a modern call, under this key.
    Round { key: String },
}

/// An open request for input.
#[derive(Clone, Debug)]
pub(super) struct Input {
    pub(super) asker: Asker,
    /// The call whose clocks are stopped for it.
    pub(super) call: Option<CallId>,
}

/// The open requests for input: at most [`MAX_OPEN`].
#[derive(Debug, Default)]
pub(super) struct Inputs {
    open: BTreeMap<InputId, Input>,
    last: u64,
}

impl Inputs {
    pub(super) fn add(&mut self, input: Input) -> InputId {
        self.last += 1;
        let id = InputId(self.last);
        self.open.insert(id, input);
        id
    }

    pub(super) fn take(&mut self, id: InputId) -> Option<Input> {
        self.open.remove(&id)
    }

    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    /// The request of a legacy server with this id, on this lane or on any.
    // RPC-B-010.
    pub(super) fn asked_as(&self, wanted: &RequestId, on: Option<Lane>) -> Option<InputId> {
        self.find(|input| match &input.asker {
            Asker::Server { lane, id } => id == wanted && on.is_none_or(|on| *lane == on),
            Asker::Round { .. } => false,
        })
        .first()
        .copied()
    }

    /// The requests that a modern call waits for.
    pub(super) fn of_round(&self, call: CallId) -> Vec<InputId> {
        self.find(|input| matches!(input.asker, Asker::Round { .. }) && input.call == Some(call))
    }

    pub(super) fn all(&self) -> Vec<InputId> {
        self.find(|_| true)
    }

    fn find(&self, which: impl Fn(&Input) -> bool) -> Vec<InputId> {
        self.open.iter().filter(|(_, input)| which(input)).map(|(id, _)| *id).collect()
    }
}
