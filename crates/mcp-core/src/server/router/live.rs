//! A router that changes while it serves.

use std::sync::Arc;

use async_trait::async_trait;
use futures::future::BoxFuture;

use crate::error::Error;
use crate::lock::Lock;
use crate::message::{ErrorObject, RawJson};
use crate::server::{Context, Handler};
use crate::session::Change;
use crate::session::server::Reply;
use crate::transport::Envelope;

use super::{Entry, Router};

/// A [`Router`] whose tools, prompts and resources are added, replaced and removed while it serves. Clones are cheap and
/// are the same router.
///
/// The first router declares the capabilities, which a client learns once: call [`Router::tools_list_changed`] and its
/// siblings for each list that will change, which may be empty at first.
///
/// A request is served by the routes that were current when it arrived, also if they are removed while it runs. Cursors of
/// lists stay valid across changes.
///
/// ```
/// use mcp_core::server::{LiveRouter, Router, Server};
///
/// let plugins = LiveRouter::new(Router::new().tools_list_changed())?;
/// let server = Server::builder("plugins", "1.0.0").build(plugins.clone())?;
///
/// // Later, from anywhere:
/// for change in plugins.update(|router| router.tool("hello", async |_, _| Ok("world")))? {
///     server.publish(change);
/// }
/// for change in plugins.update(|router| router.without_tool("hello"))? {
///     server.publish(change);
/// }
/// # Ok::<_, mcp_core::Error>(())
/// ```
///
/// A router with state is a `LiveRouter<State<T>>`. An update may also build the whole router anew, with the same state:
///
/// ```
/// use mcp_core::server::{LiveRouter, Router, State};
///
/// struct Notes;
///
/// fn router(notes: State<Notes>, plugins: &[String]) -> Router<State<Notes>> {
///     let own = Router::sharing_state(notes).tools_list_changed().tool("add", async |_notes, _, _| Ok("added"));
///     plugins.iter().fold(own, |router, name| router.tool(name.as_str(), async |_notes, _, _| Ok("a plugin")))
/// }
///
/// let notes = State::new(Notes);
/// let live: LiveRouter<State<Notes>> = LiveRouter::new(router(notes.clone(), &[]))?;
/// let changes = live.update(|_| router(notes, &["plugin".to_owned()]))?;
/// # let _ = changes;
/// # Ok::<_, mcp_core::Error>(())
/// ```
#[must_use = "a router serves nothing before it is passed to `Server::builder(..).build(router)`"]
pub struct LiveRouter<S = ()> {
    shared: Arc<Shared<S>>,
}

struct Shared<S> {
    current: Lock<Arc<Router<S>>>,
    /// Held while an update is made, so that none is lost.
    updating: Lock<()>,
}

impl<S> Clone for LiveRouter<S> {
    fn clone(&self) -> LiveRouter<S> {
        LiveRouter { shared: self.shared.clone() }
    }
}

impl<S: Clone + Send + Sync + 'static> LiveRouter<S> {
    /// Starts with this router.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] says what is wrong with its definitions.
    pub fn new(mut router: Router<S>) -> Result<LiveRouter<S>, Error> {
        router.live = true;
        router.validate()?;
        let shared = Shared { current: Lock::new(Arc::new(router)), updating: Lock::new(()) };
        Ok(LiveRouter { shared: Arc::new(shared) })
    }

    /// Replaces the router by what the closure makes of it, and returns the lists that changed. Pass each to
    /// [`Server::publish`](crate::server::Server::publish) or [`Context::publish`], so that clients read the list again.
    ///
    /// The closure adds with the methods of [`Router`] and removes with [`Router::without_tool`] and its siblings. It may
    /// also return another router. Updates are made one after the other; the closure must not call `update` itself.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`], and the router stays as it was: a definition is wrong, a name is taken, what is removed is not
    /// there, or a list or capability changes that the first router did not declare.
    pub fn update(&self, change: impl FnOnce(Router<S>) -> Router<S>) -> Result<Vec<Change>, Error> {
        let _one_at_a_time = self.shared.updating.lock();
        let before = self.current();
        let after = change((*before).clone()).declaring(&before);
        after.validate()?;
        let changes = after.changes_since(&before)?;
        *self.shared.current.lock() = Arc::new(after);
        Ok(changes)
    }

    fn current(&self) -> Arc<Router<S>> {
        self.shared.current.lock().clone()
    }
}

#[async_trait]
impl<S: Clone + Send + Sync + 'static> Handler for LiveRouter<S> {
    fn handle<'s, 'f>(&'s self, context: Context) -> BoxFuture<'f, Result<Reply, ErrorObject>>
    where
        's: 'f,
        Self: 'f,
    {
        self.current().serve(context)
    }

    fn validate(&self) -> Result<(), Error> {
        self.current().validate()
    }

    fn capabilities(&self) -> RawJson {
        self.current().capabilities()
    }

    async fn input_schema(&self, tool: &str, envelope: &Envelope) -> Option<RawJson> {
        let current = self.current();
        current.input_schema(tool, envelope).await
    }
}

impl<S: Clone + Send + Sync + 'static> std::fmt::Debug for LiveRouter<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("LiveRouter").field(&self.current()).finish()
    }
}

/// Removal, for [`LiveRouter::update`].
impl<S> Router<S> {
    /// Removes a tool. A name that is not registered is an error of [`LiveRouter::update`] or
    /// [`ServerBuilder::build`](crate::server::ServerBuilder::build), like those of the other methods.
    pub fn without_tool(mut self, name: &str) -> Router<S> {
        let there = self.tools.remove(name).is_some();
        self.note_absent("tool", name, there)
    }

    /// Removes a prompt.
    pub fn without_prompt(mut self, name: &str) -> Router<S> {
        let there = self.prompts.remove(name).is_some();
        self.note_absent("prompt", name, there)
    }

    /// Removes a resource.
    pub fn without_resource(mut self, uri: &str) -> Router<S> {
        let there = self.resources.remove(uri).is_some();
        self.note_absent("resource", uri, there)
    }

    /// Removes the resources of a template.
    pub fn without_resource_template(mut self, template: &str) -> Router<S> {
        let there = self.templates.remove(template).is_some();
        self.note_absent("resource template", template, there)
    }

    fn note_absent(mut self, what: &str, key: &str, there: bool) -> Router<S> {
        self.problems.extend(
            (!there).then(|| format!("{what} {key:?}: it is not registered, so it cannot be removed")),
        );
        self
    }

    /// Declares what the router before it declares, because clients do not ask again.
    fn declaring(mut self, before: &Router<S>) -> Router<S> {
        self.live = true;
        self.tools_changed |= before.tools_changed;
        self.prompts_changed |= before.prompts_changed;
        self.resources_changed |= before.resources_changed;
        self.subscribe |= before.subscribe;
        self.logging |= before.logging;
        self
    }
}

impl<S: Send + Sync + 'static> Router<S> {
    /// The lists that differ. Fails where clients cannot learn of the difference.
    fn changes_since(&self, before: &Router<S>) -> Result<Vec<Change>, Error> {
        let tools = differ(&self.tools, &before.tools, |tool| tool.definition.raw())
            || !same_shared(self.visible.as_ref(), before.visible.as_ref());
        let prompts = differ(&self.prompts, &before.prompts, |prompt| prompt.definition.raw());
        let resources = differ(&self.resources, &before.resources, |resource| resource.definition.raw())
            || differ(&self.templates, &before.templates, |template| template.definition.raw())
            || !same_shared(self.resource_list.as_ref(), before.resource_list.as_ref());
        let lists = [
            (tools, before.tools_changed, "tools", Change::ToolsList),
            (prompts, before.prompts_changed, "prompts", Change::PromptsList),
            (resources, before.resources_changed, "resources", Change::ResourcesList),
        ];
        if let Some((_, _, list, _)) = lists.iter().find(|(changed, declared, ..)| *changed && !declared) {
            return Err(Error::Misuse(format!(
                "the list of {list} changes, which the first router did not declare: call {list}_list_changed() on it"
            )));
        }
        let (declared, needed) = (before.capabilities(), self.capabilities());
        if declared != needed {
            return Err(Error::Misuse(format!(
                "the server declares the capabilities {declared}, and an update cannot change them to {needed}"
            )));
        }
        Ok(lists.into_iter().filter_map(|(changed, _, _, change)| changed.then_some(change)).collect())
    }
}

type Entries<D> = std::collections::BTreeMap<String, Entry<D>>;

fn differ<D>(one: &Entries<D>, other: &Entries<D>, raw: impl Fn(&Entry<D>) -> &RawJson) -> bool {
    one.len() != other.len()
        || one
            .iter()
            .zip(other)
            .any(|((name, entry), (was, before))| name != was || raw(entry) != raw(before))
}

fn same_shared<T: ?Sized>(one: Option<&Arc<T>>, other: Option<&Arc<T>>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => Arc::ptr_eq(one, other),
        (None, None) => true,
        _ => false,
    }
}
