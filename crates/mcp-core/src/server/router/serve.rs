//! How a router serves a request.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::future::ready;

use async_trait::async_trait;
use futures::future::BoxFuture;

use crate::error::Error;
use crate::message::{ErrorObject, Field, RawJson};
use crate::server::{Context, Handler};
use crate::session::server::Reply;
use crate::transport::Envelope;

use super::completion;
use super::page::page;
use super::template;
use super::{Entry, Route, Router, Served};

const PAGE_SIZE: usize = 100;

/// The source of the answer to a request.
enum Found {
    Later(BoxFuture<'static, Served>),
    Now(Reply),
}

#[async_trait]
impl<S: Send + Sync + 'static> Handler for Router<S> {
    // Written out, so that the route's boxed future is returned as it is, without a second box around it.
    fn handle<'s, 'f>(&'s self, context: Context) -> BoxFuture<'f, Result<Reply, ErrorObject>>
    where
        's: 'f,
        Self: 'f,
    {
        self.serve(context)
    }

    fn validate(&self) -> Result<(), Error> {
        let mut problems = self.problems.clone();
        problems.extend(self.undeclarable().map(str::to_owned));
        problems.extend(self.methods.keys().filter_map(|method| self.useless(method)));
        if problems.is_empty() { Ok(()) } else { Err(Error::Misuse(problems.join("; "))) }
    }

    fn capabilities(&self) -> RawJson {
        let flag = |name, on: bool| on.then_some((name, RawJson::TRUE));
        let mut declared = Vec::new();
        if self.completion.is_some() {
            declared.push(("completions", RawJson::EMPTY_OBJECT));
        }
        if self.logging {
            declared.push(("logging", RawJson::EMPTY_OBJECT));
        }
        if self.has_prompts() {
            declared.push(("prompts", RawJson::object(flag("listChanged", self.prompts_changed))));
        }
        if self.has_resources() {
            let list_changed = flag("listChanged", self.resources_changed);
            let subscribe = flag("subscribe", self.subscribe);
            declared.push(("resources", RawJson::object(list_changed.into_iter().chain(subscribe))));
        }
        if self.has_tools() {
            declared.push(("tools", RawJson::object(flag("listChanged", self.tools_changed))));
        }
        RawJson::object(declared)
    }

    async fn input_schema(&self, tool: &str, _: &Envelope) -> Option<RawJson> {
        self.tools.get(tool)?.schema.clone()
    }
}

impl<S> Router<S> {
    pub(super) fn serve(&self, context: Context) -> BoxFuture<'static, Served> {
        match self.find(context) {
            Ok(Found::Later(served)) => served,
            Ok(Found::Now(reply)) => Box::pin(ready(Ok(reply))),
            Err(error) => Box::pin(ready(Err(error))),
        }
    }

    /// Finds what answers the request.
    fn find(&self, context: Context) -> Result<Found, ErrorObject> {
        let size = self.page_size.unwrap_or(PAGE_SIZE);
        let params = context.payload();
        // A registered method takes precedence: it may replace one of the lists below.
        if let Some(route) = self.methods.get(context.method().as_str()) {
            return Ok(Found::Later(route(all_params(&context), context)));
        }
        let listed = |page: Result<RawJson, ErrorObject>| page.map(|page| Found::Now(Reply::Result(page)));
        match context.method().as_str() {
            "tools/list" if self.has_tools() => {
                let Some(visible) = &self.visible else {
                    return listed(page(&self.tools, |tool| tool.definition.raw(), "tools", size, params));
                };
                let tools = self.tools.iter().filter(|(name, _)| visible(name, &context));
                let tools: BTreeMap<_, _> = tools.map(|(name, tool)| (name.clone(), tool)).collect();
                listed(page(&tools, |tool| tool.definition.raw(), "tools", size, params))
            }
            "prompts/list" if self.has_prompts() => {
                listed(page(&self.prompts, |prompt| prompt.definition.raw(), "prompts", size, params))
            }
            "resources/list" if self.resource_list.is_some() => Ok(Found::Later(self.computed(context))),
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
                let shown = |name: &str| self.visible.as_ref().is_none_or(|visible| visible(name, &context));
                let tool = named("tool", &self.tools, &context, shown)?;
                Ok(Found::Later((tool.route)(arguments(&context)?, context)))
            }
            "prompts/get" if self.has_prompts() => {
                let prompt = named("prompt", &self.prompts, &context, |_| true)?;
                Ok(Found::Later((prompt.route)(arguments(&context)?, context)))
            }
            "resources/read" if self.has_resources() => {
                let (route, uri) = self.resource_route(&context)?;
                Ok(Found::Later(route(uri, context)))
            }
            "completion/complete" => Ok(match &self.completion {
                Some(route) => {
                    let params = all_params(&context);
                    completion::check(&params)?;
                    Found::Later(route(params, context))
                }
                None => Found::Now(Reply::MethodNotFound),
            }),
            _ => Ok(Found::Now(Reply::MethodNotFound)),
        }
    }

    /// The route of the resource that the params name, and its URI as JSON.
    fn resource_route(&self, context: &Context) -> Result<(&Route<RawJson>, RawJson), ErrorObject> {
        let uri = text(context, Field::Uri, "uri")?;
        let fixed = self.resources.get(&*uri).map(|entry| &entry.route);
        let route = fixed.or_else(|| {
            let mut templates = self.templates.iter();
            let found = templates.find(|(template, _)| template::matches(template, &uri));
            found.map(|(_, entry)| &entry.route)
        });
        let route = route.ok_or_else(|| ErrorObject::resource_not_found(&uri))?;
        Ok((route, RawJson::string(&uri)))
    }

    /// The page of a list that a closure computes, with the registered resources.
    fn computed(&self, context: Context) -> BoxFuture<'static, Served> {
        let registered =
            self.resources.iter().map(|(uri, entry)| (uri.clone(), entry.definition.raw().clone()));
        let mut all: BTreeMap<String, RawJson> = registered.collect();
        let size = self.page_size.unwrap_or(PAGE_SIZE);
        let computed = self.resource_list.as_ref().map(|list| list(context.clone()));
        Box::pin(async move {
            if let Some(computed) = computed {
                all.extend(computed.await?);
            }
            page(&all, |raw| raw, "resources", size, context.payload()).map(Reply::Result)
        })
    }

    /// What is declared and can never happen.
    fn undeclarable(&self) -> impl Iterator<Item = &'static str> + use<S> {
        let completable = self.has_prompts() || !self.templates.is_empty();
        let wrong = [
            (self.tools_changed && !self.has_tools(), "tools_list_changed: there are no tools"),
            (self.prompts_changed && !self.has_prompts(), "prompts_list_changed: there are no prompts"),
            (
                self.resources_changed && !self.has_resources(),
                "resources_list_changed: there are no resources",
            ),
            (self.subscribe && !self.has_resources(), "subscribe: there are no resources"),
            (
                self.completion.is_some() && !completable && !self.live,
                "completion: no prompt and no template has arguments",
            ),
            (
                self.visible.is_some() && self.tools.is_empty() && !self.live,
                "tools_visible: there are no tools",
            ),
            (
                self.methods.contains_key("resources/list") && self.resource_list.is_some(),
                "list_resources: the method \"resources/list\" hides it",
            ),
            (
                self.resource_list.is_some() && !self.can_read(),
                "list_resources: what it lists cannot be read; register a resource_template",
            ),
        ];
        wrong.into_iter().filter_map(|(is_wrong, what)| is_wrong.then_some(what))
    }

    /// Why the closure of this method is never called, or keeps others from being called.
    fn useless(&self, method: &str) -> Option<String> {
        let hides = match method {
            "initialize" | "ping" | "server/discover" => {
                return Some(format!(
                    "method {method:?}: the session answers it, so the closure is never called"
                ));
            }
            _ if method.starts_with("notifications/") => {
                return Some(format!(
                    "method {method:?}: a notification is not a request; see Handler::notified"
                ));
            }
            "tools/call" => !self.tools.is_empty(),
            "prompts/get" => !self.prompts.is_empty(),
            "resources/read" => !self.resources.is_empty() || !self.templates.is_empty(),
            "completion/complete" => self.completion.is_some(),
            _ => false,
        };
        hides.then(|| format!("method {method:?}: it hides the closures that are registered for it"))
    }

    /// Whether any resource can be read.
    fn can_read(&self) -> bool {
        !self.resources.is_empty()
            || !self.templates.is_empty()
            || self.methods.contains_key("resources/read")
    }

    fn has_tools(&self) -> bool {
        !self.tools.is_empty() || self.methods.contains_key("tools/list") || (self.live && self.tools_changed)
    }

    fn has_prompts(&self) -> bool {
        !self.prompts.is_empty()
            || self.methods.contains_key("prompts/list")
            || (self.live && self.prompts_changed)
    }

    fn has_resources(&self) -> bool {
        !self.resources.is_empty()
            || !self.templates.is_empty()
            || self.resource_list.is_some()
            || self.methods.contains_key("resources/list")
            || (self.live && self.resources_changed)
    }
}

/// The entry that the params name.
fn named<'r, D>(
    what: &str,
    entries: &'r BTreeMap<String, Entry<D>>,
    context: &Context,
    shown: impl FnOnce(&str) -> bool,
) -> Result<&'r Entry<D>, ErrorObject> {
    let name = text(context, Field::Name, "name")?;
    entries.get(&*name).filter(|_| shown(&name)).ok_or_else(|| {
        let name: String = name.chars().take(128).collect();
        ErrorObject::invalid_params(format!("Unknown {what}: {name}"))
    })
}

/// The whole params, `{}` if there are none.
fn all_params(context: &Context) -> RawJson {
    context.params().cloned().unwrap_or_default()
}

/// A member of the params that has to be a string.
fn text<'a>(context: &'a Context, field: Field, member: &'static str) -> Result<Cow<'a, str>, ErrorObject> {
    context
        .payload()
        .and_then(|params| params.field_text(field))
        .ok_or_else(|| ErrorObject::invalid_params(format!("params.{member} has to be a string")))
}

/// The `arguments`, which have to be an object where present.
fn arguments(context: &Context) -> Result<RawJson, ErrorObject> {
    match context.payload().and_then(|params| params.field_json(Field::Arguments)) {
        None => Ok(RawJson::EMPTY_OBJECT),
        Some(arguments) if arguments.is_object() => Ok(arguments),
        Some(arguments) => Err(ErrorObject::invalid_params(format!(
            "params.arguments has to be an object, not {}",
            arguments.kind_name()
        ))),
    }
}
