//! Which scopes a request needs.

use std::fmt;
use std::sync::Arc;

use mcp_core::message::RawJson;
use mcp_core::transport::Identity;
use mcp_http::server::Operation;

/// Decides whether a granted scope covers a needed one.
type Implies = dyn Fn(&str, &str) -> bool + Send + Sync;

/// Which scopes requests need: some for all, more for methods, tools, prompts and resources. A request needs all scopes of
/// all rules that match it.
///
/// Names of tools and prompts, and URIs, match as a whole, or by their beginning if the rule ends in `*`.
///
/// ```
/// use mcp_auth::server::Scopes;
///
/// let scopes = Scopes::all(["mcp:read"])
///     .method("completion/complete", ["mcp:complete"])
///     .tool("publish", ["mcp:write"])
///     .resource("file:///secret/*", ["mcp:secrets"])
///     .implied_by(|granted, needed| granted == "mcp:admin" && needed.starts_with("mcp:"));
/// ```
#[derive(Clone, Default)]
pub struct Scopes {
    base: Vec<String>,
    rules: Vec<Rule>,
    implies: Option<Arc<Implies>>,
}

#[derive(Clone)]
struct Rule {
    kind: Kind,
    name: String,
    scopes: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Method,
    Tool,
    Prompt,
    Resource,
}

impl Rule {
    fn matches(&self, kind: Kind, name: &str) -> bool {
        self.kind == kind
            && match self.name.strip_suffix('*') {
                Some(start) => name.starts_with(start),
                None => name == self.name,
            }
    }
}

impl Scopes {
    /// No scopes: any valid token may do everything.
    pub fn none() -> Scopes {
        Scopes::default()
    }

    /// Every request needs these.
    pub fn all<S: Into<String>>(scopes: impl IntoIterator<Item = S>) -> Scopes {
        Scopes { base: scopes.into_iter().map(Into::into).collect(), ..Scopes::default() }
    }

    /// Requests with this method need these too.
    #[must_use]
    pub fn method<S: Into<String>>(
        self,
        method: impl Into<String>,
        scopes: impl IntoIterator<Item = S>,
    ) -> Scopes {
        self.rule(Kind::Method, method.into(), scopes)
    }

    /// Calls of this tool need these too.
    #[must_use]
    pub fn tool<S: Into<String>>(
        self,
        name: impl Into<String>,
        scopes: impl IntoIterator<Item = S>,
    ) -> Scopes {
        self.rule(Kind::Tool, name.into(), scopes)
    }

    /// Requests for this prompt need these too, its completions included.
    #[must_use]
    pub fn prompt<S: Into<String>>(
        self,
        name: impl Into<String>,
        scopes: impl IntoIterator<Item = S>,
    ) -> Scopes {
        self.rule(Kind::Prompt, name.into(), scopes)
    }

    /// Reading this resource and subscribing to it need these too.
    #[must_use]
    pub fn resource<S: Into<String>>(
        self,
        uri: impl Into<String>,
        scopes: impl IntoIterator<Item = S>,
    ) -> Scopes {
        self.rule(Kind::Resource, uri.into(), scopes)
    }

    /// Sets a hierarchy: a needed scope is covered by the same scope, and by each granted one for which this returns `true`
    /// with `(granted, needed)`.
    #[must_use]
    pub fn implied_by(mut self, implies: impl Fn(&str, &str) -> bool + Send + Sync + 'static) -> Scopes {
        self.implies = Some(Arc::new(implies));
        self
    }

    fn rule<S: Into<String>>(
        mut self,
        kind: Kind,
        name: String,
        scopes: impl IntoIterator<Item = S>,
    ) -> Scopes {
        self.rules.push(Rule { kind, name, scopes: scopes.into_iter().map(Into::into).collect() });
        self
    }

    /// What every request needs.
    pub(super) fn base(&self) -> &[String] {
        &self.base
    }

    /// Everything that this request needs, each scope once.
    // AU-S-09: by the body, never by headers.
    pub(super) fn needed(&self, operation: &Operation<'_>) -> Vec<String> {
        let mut needed = self.base.clone();
        let mut add = |kind: Kind, name: &str| {
            for rule in self.rules.iter().filter(|rule| rule.matches(kind, name)) {
                for scope in &rule.scopes {
                    if !needed.contains(scope) {
                        needed.push(scope.clone());
                    }
                }
            }
        };
        if self.rules.is_empty() {
            return needed;
        }
        add(Kind::Method, operation.method);
        match (operation.method, operation.name, operation.params) {
            ("tools/call", Some(name), _) => add(Kind::Tool, name),
            ("prompts/get", Some(name), _) => add(Kind::Prompt, name),
            ("resources/read" | "resources/subscribe" | "resources/unsubscribe", Some(uri), _) => {
                add(Kind::Resource, uri);
            }
            ("completion/complete", _, Some(params)) => {
                let text = |name: &str| params.member("ref")?.member(name)?.to_text();
                if let Some(name) = text("name") {
                    add(Kind::Prompt, &name);
                }
                if let Some(uri) = text("uri") {
                    add(Kind::Resource, &uri);
                }
            }
            ("subscriptions/listen", _, Some(params)) => {
                for uri in subscribed(params) {
                    add(Kind::Resource, &uri);
                }
            }
            _ => {}
        }
        needed
    }

    /// Whether the caller has all of these.
    pub(super) fn covers(&self, identity: &Identity, needed: &[String]) -> bool {
        let has = |needed: &String| {
            identity.has_scope(needed)
                || self
                    .implies
                    .as_ref()
                    .is_some_and(|implies| identity.scopes.iter().any(|granted| implies(granted, needed)))
        };
        needed.iter().all(has)
    }
}

/// The resources of a modern subscription.
fn subscribed(params: &RawJson) -> Vec<String> {
    let list = params.member("notifications").and_then(|it| it.member("resourceSubscriptions"));
    list.map_or_else(Vec::new, |list| list.elements().iter().filter_map(RawJson::to_text).collect())
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scopes")
            .field("base", &self.base)
            .field("rules", &self.rules.len())
            .finish_non_exhaustive()
    }
}
