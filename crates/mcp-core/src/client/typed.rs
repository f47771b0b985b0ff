//! Typed calls over the model: lists, tools, resources, prompts, completion.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::error::Error;
use crate::message::{Method, RawJson, encode};
use crate::model::{
    CallToolResult, CompleteParams, CompleteResult, GetPromptParams, GetPromptResult, Model, Prompt,
    ReadResourceResult, Resource, ResourceParams, ResourceTemplate, Tool,
};

use super::{CallResult, Client, ClientState, Listed, PageLimits, PreparedCall};

/// The errors of all of these are those of [`Client::request`], and [`Error::Violation`] where the result
/// does not have the form of its type. An item of a list that does not is in [`Listed::skipped`]. The lists
/// follow cursors within [`PageLimits::default`]; see [`Client::list_all`] for other limits.
impl Client {
    /// All tools.
    pub async fn list_tools(&self) -> Result<Listed<Tool>, Error> {
        self.list("tools/list", "tools").await
    }

    /// All resources.
    pub async fn list_resources(&self) -> Result<Listed<Resource>, Error> {
        self.list("resources/list", "resources").await
    }

    /// All resource templates.
    pub async fn list_resource_templates(&self) -> Result<Listed<ResourceTemplate>, Error> {
        self.list("resources/templates/list", "resourceTemplates").await
    }

    /// All prompts.
    pub async fn list_prompts(&self) -> Result<Listed<Prompt>, Error> {
        self.list("prompts/list", "prompts").await
    }

    async fn list<T: Model>(&self, method: &'static str, member: &str) -> Result<Listed<T>, Error> {
        Ok(self.list_all(method, member, PageLimits::default()).await?.read(T::from_raw))
    }

    /// Calls a tool. `arguments` is anything that serializes to an object: a struct, a map, `json!({..})`,
    /// a [`RawJson`]; `()` for none. Await the call, or set its options first: see [`PreparedCall`]. A tool that ran
    /// and failed is a result: see [`CallToolResult::failed`].
    ///
    /// ```
    /// # async fn example(client: mcp_core::client::Client) -> Result<(), mcp_core::Error> {
    /// #[derive(serde::Serialize)]
    /// struct Add {
    ///     a: f64,
    ///     b: f64,
    /// }
    ///
    /// let sum = client.call_tool("add", Add { a: 40.0, b: 2.0 }).await?;
    /// let time = client.call_tool("now", ()).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Fails with [`Error::Misuse`] if the arguments are not an object.
    pub fn call_tool(
        &self,
        name: impl AsRef<str>,
        arguments: impl Serialize,
    ) -> PreparedCall<CallToolResult> {
        self.prepared("tools/call", tool_params(name.as_ref(), &arguments).map(Some))
    }

    /// Reads a resource. An unknown one is an error for which [`Error::is_resource_not_found`] holds. Contents
    /// that do not have their form are in [`ReadResourceResult::skipped`].
    pub fn read_resource(&self, uri: impl Into<String>) -> PreparedCall<ReadResourceResult> {
        self.typed("resources/read", &ResourceParams::new(uri))
    }

    /// Gets a prompt. `arguments` is anything that serializes to an object of texts: a struct, a map,
    /// `json!({..})`; `()` for none. Numbers and booleans are sent as text, members that are `null` are left out.
    /// Messages that do not have their form are in [`GetPromptResult::skipped`].
    ///
    /// Fails with [`Error::Misuse`] if the arguments are anything else.
    pub fn get_prompt(
        &self,
        name: impl Into<String>,
        arguments: impl Serialize,
    ) -> PreparedCall<GetPromptResult> {
        let mut params = GetPromptParams::new(name);
        let params = prompt_arguments(&arguments).map(|arguments| {
            params.arguments = (!arguments.is_empty()).then_some(arguments);
            Some(params.to_raw())
        });
        self.prepared("prompts/get", params)
    }

    /// Completes an argument.
    pub fn complete(&self, params: &CompleteParams) -> PreparedCall<CompleteResult> {
        self.typed("completion/complete", params)
    }

    /// Checks that the server answers: with `ping` on a legacy link, with `server/discover` on 2026-07-28,
    /// which has no `ping`.
    pub async fn ping(&self) -> Result<(), Error> {
        let version = match (self.state(), self.known_era()) {
            // The call makes a new link to a peer whose era is known.
            (ClientState::Disconnected(_), Some(known)) => known.version,
            _ => self.ready().await?.version,
        };
        let method = if version.is_modern() { "server/discover" } else { "ping" };
        self.request(method, None).await.map(drop)
    }

    /// Makes any call with typed params and a typed result.
    pub fn typed<R: CallResult>(&self, method: &'static str, params: &impl Model) -> PreparedCall<R> {
        self.prepared(method, Ok(Some(params.to_raw())))
    }

    pub(super) fn prepared<R: CallResult>(
        &self,
        method: impl Into<Method>,
        params: Result<Option<RawJson>, Error>,
    ) -> PreparedCall<R> {
        PreparedCall::new(self.clone(), method.into(), params)
    }
}

/// The params of `tools/call`, written at once: the arguments may be large.
fn tool_params(name: &str, arguments: &impl Serialize) -> Result<RawJson, Error> {
    let mut out = Vec::with_capacity(128);
    out.extend_from_slice(br#"{"name":"#);
    encode::write_string(name, &mut out);
    let end_of_name = out.len();
    out.extend_from_slice(br#","arguments":"#);
    let start = out.len();
    serde_json::to_writer(&mut out, arguments).map_err(unwritable)?;
    match out.get(start) {
        Some(b'{') => {}
        _ if out.get(start..) == Some(b"null") => out.truncate(end_of_name),
        _ => {
            let kind = RawJson::trusted(out.split_off(start).into()).kind_name();
            return Err(Error::Misuse(format!("the arguments of a tool have to be an object, not {kind}")));
        }
    }
    out.push(b'}');
    Ok(RawJson::trusted(out.into()))
}

/// The arguments of a prompt, which are texts.
fn prompt_arguments(arguments: &impl Serialize) -> Result<BTreeMap<String, String>, Error> {
    let arguments = RawJson::serialize(arguments).map_err(unwritable)?;
    if !arguments.is_object() && !arguments.is_null() {
        let kind = arguments.kind_name();
        return Err(Error::Misuse(format!("the arguments of a prompt have to be an object, not {kind}")));
    }
    let mut texts = BTreeMap::new();
    for (name, value) in arguments.members().into_iter().filter(|(_, value)| !value.is_null()) {
        let text = match value.as_bytes().first() {
            Some(b'{' | b'[') => {
                let kind = value.kind_name();
                return Err(Error::Misuse(format!("the argument {name:?} of a prompt is text, not {kind}")));
            }
            _ => value.to_text().unwrap_or_else(|| value.to_string()),
        };
        texts.insert(name, text);
    }
    Ok(texts)
}

fn unwritable(error: serde_json::Error) -> Error {
    Error::Misuse(format!("the arguments cannot be written as JSON: {error}"))
}
