//! How a router serves a request.

use std::borrow::Cow;
use std::future::ready;

use async_trait::async_trait;
use futures::future::BoxFuture;

use crate::message::{ErrorObject, Field, RawJson};
use crate::server::{Context, Handler, IncomingRequest};
use crate::session::server::Reply;
use crate::transport::Envelope;

use super::page::page;
use super::template;
use super::{Router, Served};

const PAGE_SIZE: usize = 100;

/// What answers a request.
enum Found {
    Later(BoxFuture<'static, Served>),
    Now(Reply),
}

#[async_trait]
impl Handler for Router {
    fn handle<'s, 'f>(
        &'s self,
        request: IncomingRequest,
        context: Context,
    ) -> BoxFuture<'f, Result<Reply, ErrorObject>>
    where
        's: 'f,
        Self: 'f,
    {
        match self.find(request, context) {
            Ok(Found::Later(served)) => served,
            Ok(Found::Now(reply)) => Box::pin(ready(Ok(reply))),
            Err(error) => Box::pin(ready(Err(error))),
        }
    }

    fn capabilities(&self) -> RawJson {
        let flag = |name, on: bool| on.then_some((name, RawJson::TRUE));
        let list_changed = || flag("listChanged", self.list_changed);
        let mut declared = Vec::new();
        if self.completion.is_some() {
            declared.push(("completions", RawJson::EMPTY_OBJECT));
        }
        if self.logging {
            declared.push(("logging", RawJson::EMPTY_OBJECT));
        }
        if self.has_prompts() {
            declared.push(("prompts", RawJson::object(list_changed())));
        }
        if self.has_resources() {
            let subscribe = flag("subscribe", self.subscribe);
            declared.push(("resources", RawJson::object(list_changed().into_iter().chain(subscribe))));
        }
        if self.has_tools() {
            declared.push(("tools", RawJson::object(list_changed())));
        }
        RawJson::object(declared)
    }

    async fn input_schema(&self, tool: &str, _: &Envelope) -> Option<RawJson> {
        self.tools.get(tool)?.schema.clone()
    }
}

impl Router {
    /// Finds what answers. Whose future is in a box already is not put into another.
    fn find(&self, request: IncomingRequest, context: Context) -> Result<Found, ErrorObject> {
        let size = self.page_size.unwrap_or(PAGE_SIZE);
        let params = request.params.as_ref();
        // A method of that name goes first: it may replace what stands below.
        if let Some(route) = self.methods.get(request.method.as_str()) {
            return Ok(Found::Later(route(request.params, context)));
        }
        let listed = |page: Result<RawJson, ErrorObject>| page.map(|page| Found::Now(Reply::Result(page)));
        match request.method.as_str() {
            "tools/list" if self.has_tools() => {
                listed(page(&self.tools, |tool| tool.definition.raw(), "tools", size, params))
            }
            "prompts/list" if self.has_prompts() => {
                listed(page(&self.prompts, |prompt| prompt.definition.raw(), "prompts", size, params))
            }
            "resources/list" if self.has_resources() => {
                listed(page(&self.resources, |resource| resource.definition.raw(), "resources", size, params))
            }
            "resources/templates/list" if self.has_resources() => listed(page(
                &self.templates,
                |entry| entry.definition.raw(),
                "resourceTemplates",
                size,
                params,
            )),
            "tools/call" if self.has_tools() => {
                let name = text(&request, Field::Name, "name")?;
                let tool = self.tools.get(&*name).ok_or_else(|| unknown("tool", &name))?;
                Ok(Found::Later((tool.route)(arguments(&request)?, context)))
            }
            "prompts/get" if self.has_prompts() => {
                let name = text(&request, Field::Name, "name")?;
                let prompt = self.prompts.get(&*name).ok_or_else(|| unknown("prompt", &name))?;
                Ok(Found::Later((prompt.route)(arguments(&request)?, context)))
            }
            "resources/read" if self.has_resources() => {
                let uri = text(&request, Field::Uri, "uri")?;
                let fixed = self.resources.get(&*uri).map(|entry| &entry.route);
                let route = fixed.or_else(|| {
                    let mut templates = self.templates.iter();
                    let found = templates.find(|(template, _)| template::matches(template, &uri));
                    found.map(|(_, entry)| &entry.route)
                });
                match route {
                    Some(route) => Ok(Found::Later(route(RawJson::string(&uri), context))),
                    None => Err(ErrorObject::resource_not_found(&uri)),
                }
            }
            "completion/complete" => Ok(match &self.completion {
                Some(route) => Found::Later(route(request.params(), context)),
                None => Found::Now(Reply::MethodNotFound),
            }),
            _ => Ok(Found::Now(Reply::MethodNotFound)),
        }
    }

    fn has_tools(&self) -> bool {
        !self.tools.is_empty() || self.methods.contains_key("tools/list")
    }

    fn has_prompts(&self) -> bool {
        !self.prompts.is_empty() || self.methods.contains_key("prompts/list")
    }

    fn has_resources(&self) -> bool {
        !self.resources.is_empty()
            || !self.templates.is_empty()
            || self.methods.contains_key("resources/list")
    }
}

/// A member of the params that has to be a string.
fn text<'a>(
    request: &'a IncomingRequest,
    field: Field,
    member: &'static str,
) -> Result<Cow<'a, str>, ErrorObject> {
    request
        .params
        .as_ref()
        .and_then(|params| params.text_ref(field))
        .ok_or_else(|| ErrorObject::invalid_params(format!("params.{member} has to be a string")))
}

/// The `arguments`, which have to be an object where present.
fn arguments(request: &IncomingRequest) -> Result<RawJson, ErrorObject> {
    match request.params.as_ref().and_then(|params| params.get(Field::Arguments)) {
        None => Ok(RawJson::EMPTY_OBJECT),
        Some(arguments) if arguments.is_object() => Ok(arguments),
        Some(arguments) => Err(ErrorObject::invalid_params(format!(
            "params.arguments has to be an object, not {}",
            arguments.kind_name()
        ))),
    }
}

fn unknown(what: &str, name: &str) -> ErrorObject {
    let name: String = name.chars().take(128).collect();
    ErrorObject::invalid_params(format!("Unknown {what}: {name}"))
}
