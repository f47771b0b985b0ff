//! Typed calls over the model: lists, tools, resources, prompts, completion.

use std::collections::BTreeMap;

use crate::error::Error;
use crate::message::{Payload, RawJson, code};
use crate::model::{
    CallToolParams, CallToolResult, CompleteParams, CompleteResult, GetPromptParams, GetPromptResult, Model,
    Prompt, ReadResourceResult, Resource, ResourceParams, ResourceTemplate, Tool,
};

use super::{Client, ClientState, Listed, PageLimits};

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

    /// Calls a tool. `arguments` is an object, if given. A tool that ran and failed is a result: see
    /// [`CallToolResult::failed`].
    ///
    /// If the server answers that metadata and body differ (`-32020`), the tool's schema has changed since it
    /// was listed: the tools are listed again, and the call is made once more.
    // HDR-C-022.
    pub async fn call_tool(
        &self,
        name: impl Into<String>,
        arguments: Option<RawJson>,
    ) -> Result<CallToolResult, Error> {
        let mut params = CallToolParams::new(name);
        params.arguments = arguments;
        match self.typed("tools/call", &params).await {
            Err(Error::Rpc(error)) if error.code == code::HEADER_MISMATCH => {
                self.list_tools().await?;
                self.typed("tools/call", &params).await
            }
            outcome => outcome,
        }
    }

    /// Reads a resource. An unknown one is an error for which [`Error::is_resource_not_found`] holds.
    pub async fn read_resource(&self, uri: impl Into<String>) -> Result<ReadResourceResult, Error> {
        self.typed("resources/read", &ResourceParams::new(uri)).await
    }

    /// Gets a prompt, with the values of its arguments.
    pub async fn get_prompt(
        &self,
        name: impl Into<String>,
        arguments: BTreeMap<String, String>,
    ) -> Result<GetPromptResult, Error> {
        let mut params = GetPromptParams::new(name);
        params.arguments = (!arguments.is_empty()).then_some(arguments);
        self.typed("prompts/get", &params).await
    }

    /// Completes an argument.
    pub async fn complete(&self, params: &CompleteParams) -> Result<CompleteResult, Error> {
        self.typed("completion/complete", params).await
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
    pub async fn typed<R: Model>(&self, method: &'static str, params: &impl Model) -> Result<R, Error> {
        let result: Payload = self.outcome_of(method, Some(params.to_raw())).await?;
        R::from_raw(result.raw())
    }
}
