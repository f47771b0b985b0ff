//! Filters: which tools, prompts and resources of an upstream server exist for clients.

use mcp_core::message::{ErrorObject, RawJson};

/// Which tools, prompts and resources of an upstream server exist for clients.
///
/// What is denied is missing from lists, and calls of it fail as if the server did not have it. Patterns match whole
/// names, or URIs of resources: `*` stands for any text, every other character for itself. Without an `allow` pattern of
/// a kind everything of that kind is allowed, and `deny` goes before `allow`.
///
/// ```
/// use mcp_bridge::Filter;
///
/// let filter = Filter::new().allow_tool("get_*").deny_tool("*_secret");
/// assert!(filter.tool("get_time") && !filter.tool("get_secret") && !filter.tool("delete"));
/// assert!(filter.resource("file:///any"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Filter {
    tools: Rules,
    prompts: Rules,
    resources: Rules,
}

#[derive(Clone, Debug, Default)]
struct Rules {
    allow: Vec<String>,
    deny: Vec<String>,
}

impl Rules {
    fn permits(&self, name: &str) -> bool {
        let hit = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, name));
        !hit(&self.deny) && (self.allow.is_empty() || hit(&self.allow))
    }

    fn is_empty(&self) -> bool {
        self.allow.is_empty() && self.deny.is_empty()
    }
}

impl Filter {
    /// A filter that allows everything.
    pub fn new() -> Filter {
        Filter::default()
    }

    /// Allows the tools of this pattern, and no others that are not allowed too.
    #[must_use]
    pub fn allow_tool(mut self, pattern: impl Into<String>) -> Filter {
        self.tools.allow.push(pattern.into());
        self
    }

    /// Denies the tools of this pattern.
    #[must_use]
    pub fn deny_tool(mut self, pattern: impl Into<String>) -> Filter {
        self.tools.deny.push(pattern.into());
        self
    }

    /// Allows the prompts of this pattern, and no others that are not allowed too.
    #[must_use]
    pub fn allow_prompt(mut self, pattern: impl Into<String>) -> Filter {
        self.prompts.allow.push(pattern.into());
        self
    }

    /// Denies the prompts of this pattern.
    #[must_use]
    pub fn deny_prompt(mut self, pattern: impl Into<String>) -> Filter {
        self.prompts.deny.push(pattern.into());
        self
    }

    /// Allows the resources whose URIs match this pattern, and no others that are not allowed too. Templates are
    /// matched by their own text.
    #[must_use]
    pub fn allow_resource(mut self, pattern: impl Into<String>) -> Filter {
        self.resources.allow.push(pattern.into());
        self
    }

    /// Denies the resources whose URIs match this pattern.
    #[must_use]
    pub fn deny_resource(mut self, pattern: impl Into<String>) -> Filter {
        self.resources.deny.push(pattern.into());
        self
    }

    /// Whether this tool exists for clients.
    pub fn tool(&self, name: &str) -> bool {
        self.tools.permits(name)
    }

    /// Whether this prompt exists for clients.
    pub fn prompt(&self, name: &str) -> bool {
        self.prompts.permits(name)
    }

    /// Whether the resource of this URI exists for clients.
    pub fn resource(&self, uri: &str) -> bool {
        self.resources.permits(uri)
    }

    /// Checks a request of a client, whatever its id.
    pub(crate) fn check(&self, method: &str, params: Option<&RawJson>) -> Result<(), ErrorObject> {
        let (rules, member) = match method {
            "tools/call" => (&self.tools, "name"),
            "prompts/get" => (&self.prompts, "name"),
            "resources/read" | "resources/subscribe" | "resources/unsubscribe" => (&self.resources, "uri"),
            "completion/complete" => return self.check_reference(params),
            _ => return Ok(()),
        };
        if rules.is_empty() {
            return Ok(());
        }
        let name = params.and_then(|params| params.member(member)).and_then(|name| name.to_text());
        match name {
            Some(name) if rules.permits(&name) => Ok(()),
            Some(uri) if member == "uri" => Err(ErrorObject::resource_not_found(&uri)),
            Some(name) => Err(unknown(method, &name)),
            None => Err(ErrorObject::invalid_params(format!("`{member}` has to be a string"))),
        }
    }

    /// Completion names a prompt or a resource template.
    fn check_reference(&self, params: Option<&RawJson>) -> Result<(), ErrorObject> {
        if self.prompts.is_empty() && self.resources.is_empty() {
            return Ok(());
        }
        let reference = params.and_then(|params| params.member("ref")).unwrap_or_default();
        // The decoder refuses copies of what the protocol reads, and this is read by the server alone: it may take the last.
        let mut names = Vec::new();
        reference.for_each_member(|name, _| names.push(name.to_owned()));
        names.sort_unstable();
        if names.windows(2).any(|pair| matches!(pair, [one, other] if one == other)) {
            return Err(ErrorObject::invalid_params("a member of `ref` occurs twice"));
        }
        let text = |member: &str| reference.member(member).and_then(|text| text.to_text());
        match (text("name"), text("uri")) {
            (Some(name), _) if !self.prompt(&name) => Err(unknown("prompts/get", &name)),
            (_, Some(uri)) if !self.resource(&uri) => Err(ErrorObject::resource_not_found(&uri)),
            _ => Ok(()),
        }
    }

    /// A list of the upstream server without what is denied. Any other result is returned as it is.
    pub(crate) fn result(&self, method: &str, result: RawJson) -> RawJson {
        let (rules, list, key) = match method {
            "tools/list" => (&self.tools, "tools", "name"),
            "prompts/list" => (&self.prompts, "prompts", "name"),
            "resources/list" => (&self.resources, "resources", "uri"),
            "resources/templates/list" => (&self.resources, "resourceTemplates", "uriTemplate"),
            _ => return result,
        };
        let Some(items) = result.member(list).filter(|_| !rules.is_empty()) else { return result };
        let items = items.elements();
        let count = items.len();
        let permitted = |item: &RawJson| {
            item.member(key).and_then(|name| name.to_text()).is_some_and(|name| rules.permits(&name))
        };
        let kept: Vec<RawJson> = items.into_iter().filter(permitted).collect();
        if kept.len() == count { result } else { result.with_members(&[(list, &RawJson::array(kept))]) }
    }
}

fn unknown(method: &str, name: &str) -> ErrorObject {
    let kind = if method == "prompts/get" { "prompt" } else { "tool" };
    ErrorObject::invalid_params(format!("Unknown {kind}: {name}"))
}

/// Whether the whole text matches; `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> RawJson {
        RawJson::parse(text.to_owned()).unwrap()
    }

    #[test]
    fn patterns_match_whole_names() {
        let rows = [
            ("a", "a", true),
            ("a", "ab", false),
            ("a*", "ab", true),
            ("*b", "ab", true),
            ("a*c", "abbc", true),
            ("a*c", "ab", false),
            ("*", "", true),
            ("ab*ba", "aba", false),
            ("a*b*c", "axbxc", true),
            ("a*b*c", "axcxb", false),
            ("[ab]", "a", false),
        ];
        for (pattern, text, wanted) in rows {
            assert_eq!(matches(pattern, text), wanted, "{pattern} {text}");
        }
    }

    #[test]
    fn what_is_denied_is_in_no_list() {
        let filter = Filter::new().deny_tool("del*").deny_resource("secret:*").allow_prompt("p*");
        let tools = raw(r#"{"tools":[{"name":"del_a"},{"name":"get","n":1.0}],"nextCursor":"c"}"#);
        let kept = filter.result("tools/list", tools.clone());
        assert_eq!(kept.to_string(), r#"{"tools":[{"name":"get","n":1.0}],"nextCursor":"c"}"#);
        // Untouched, to the byte.
        assert_eq!(filter.result("tools/call", tools.clone()), tools);
        let harmless = raw(r#"{ "tools": [ {"name":"get"} ] }"#);
        assert_eq!(filter.result("tools/list", harmless.clone()), harmless);
        let prompts = filter.result("prompts/list", raw(r#"{"prompts":[{"name":"p1"},{"name":"q"},{}]}"#));
        assert_eq!(prompts.to_string(), r#"{"prompts":[{"name":"p1"}]}"#);
        let templates = filter.result(
            "resources/templates/list",
            raw(r#"{"resourceTemplates":[{"uriTemplate":"secret:{id}"},{"uriTemplate":"a:{id}"}]}"#),
        );
        assert_eq!(templates.to_string(), r#"{"resourceTemplates":[{"uriTemplate":"a:{id}"}]}"#);
    }

    #[test]
    fn what_is_denied_cannot_be_called() {
        let filter = Filter::new().deny_tool("del*").deny_resource("secret:*").allow_prompt("p*");
        let refused = [
            ("tools/call", r#"{"name":"del_a"}"#),
            ("tools/call", r#"{"name":"d\u0065l_a"}"#),
            ("tools/call", r#"{"name":7}"#),
            ("prompts/get", r#"{"name":"q"}"#),
            ("resources/read", r#"{"uri":"secret:1"}"#),
            ("resources/subscribe", r#"{"uri":"secret:1"}"#),
            ("completion/complete", r#"{"ref":{"type":"ref/prompt","name":"q"}}"#),
            ("completion/complete", r#"{"ref":{"type":"ref/resource","uri":"secret:{id}"}}"#),
            ("completion/complete", r#"{"ref":{"type":"ref/prompt","name":"p1","n\u0061me":"q"}}"#),
        ];
        for (method, params) in refused {
            assert!(filter.check(method, Some(&raw(params))).is_err(), "{method} {params}");
        }
        for (method, params) in [("tools/call", r#"{"name":"get"}"#), ("x/any", "{}"), ("tools/list", "{}")] {
            assert!(filter.check(method, Some(&raw(params))).is_ok(), "{method} {params}");
        }
    }
}
