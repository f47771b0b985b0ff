//! One server of a config file as it is written, with the keys of Claude, Cursor, VS Code and similar programs.

use std::time::Duration;

use mcp_core::message::RawJson;

use crate::connect::auth::OAuthSettings;

/// What an entry says. Nothing is expanded yet.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) kind: Kind,
    /// Switched off: `disabled: true` or `enabled: false`.
    pub(crate) off: bool,
    /// The limit of one request.
    pub(crate) timeout: Option<Duration>,
    /// What is unusual but harmless.
    pub(crate) warnings: Vec<String>,
}

/// How the server is reached.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    /// By starting a program.
    Stdio(Program),
    /// By a URL.
    Remote { transport: String, url: String, headers: Vec<(String, String)>, oauth: OAuthSettings },
}

impl Kind {
    /// The `type` of the entry.
    pub(crate) fn name(&self) -> &str {
        match self {
            Kind::Stdio(_) => "stdio",
            Kind::Remote { transport, .. } => transport,
        }
    }
}

/// The program of an entry.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Program {
    pub(crate) command: String,
    pub(crate) args: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) env_file: Option<String>,
    pub(crate) cwd: Option<String>,
}

const URLS: [&str; 3] = ["url", "serverUrl", "httpUrl"];

const KNOWN: &[&str] = &[
    "type",
    "command",
    "args",
    "env",
    "envFile",
    "cwd",
    "disabled",
    "enabled",
    "timeout",
    "url",
    "serverUrl",
    "httpUrl",
    "headers",
    "oauth",
];

/// Keys that other programs use for themselves.
const OTHERS: &[&str] = &[
    "name",
    "title",
    "description",
    "alwaysAllow",
    "autoApprove",
    "disabledTools",
    "tools",
    "includeTools",
    "excludeTools",
    "trust",
    "gallery",
    "version",
    "dev",
    "auth",
    "icon",
    "source",
    "sandbox",
];

/// Reads an entry. The problems name their keys and never a value of `env` or `headers`.
pub(crate) fn parse(raw: &RawJson) -> Result<Entry, Vec<String>> {
    if !raw.is_object() {
        return Err(vec![format!("the entry is {}, and has to be an object", raw.kind_name())]);
    }
    let mut reader = Reader { raw, problems: Vec::new() };
    let kind = kind(&mut reader);
    let off = reader.flag("disabled") == Some(true) || reader.flag("enabled") == Some(false);
    let timeout = reader.millis("timeout");
    let mut warnings = warnings(raw);
    if let Some(Kind::Stdio(program)) = &kind
        && program.args.is_empty()
        && program.command.contains(' ')
        && !program.command.contains(['/', '\\'])
    {
        warnings.push("`command` has a blank in it: arguments belong into `args`".to_owned());
    }
    match kind {
        Some(kind) if reader.problems.is_empty() => Ok(Entry { kind, off, timeout, warnings }),
        _ => Err(reader.problems),
    }
}

fn warnings(raw: &RawJson) -> Vec<String> {
    let keys = raw.members().into_iter().map(|(key, _)| key);
    keys.filter(|key| !KNOWN.contains(&key.as_str()) && !OTHERS.contains(&key.as_str()))
        .map(|key| format!("`{key}` is not known, and ignored"))
        .collect()
}

fn kind(reader: &mut Reader<'_>) -> Option<Kind> {
    let said = reader.text("type");
    let command = reader.text("command");
    let url = URLS.iter().find_map(|key| reader.text(key));
    let remote = match said.as_deref() {
        None => command.is_none() && url.is_some(),
        Some("stdio" | "local") => false,
        Some("http" | "streamable-http" | "streamableHttp" | "streamable_http" | "sse" | "ws" | "remote") => {
            true
        }
        Some(other) => {
            return reader.problem(format!("`type` {other:?} is none of stdio, http, streamable-http, sse"));
        }
    };
    match (remote, command, url) {
        (_, Some(_), Some(_)) => reader.problem("it has a `command` and a URL: which one is it?".to_owned()),
        (true, _, Some(url)) => {
            let headers = reader.pairs("headers");
            let oauth = oauth(reader);
            Some(Kind::Remote { transport: said.unwrap_or_else(|| "http".to_owned()), url, headers, oauth })
        }
        (true, _, None) => reader.problem("it has no `url`".to_owned()),
        (false, Some(command), None) if !command.trim().is_empty() => Some(Kind::Stdio(Program {
            command,
            args: reader.texts("args"),
            env: reader.pairs("env"),
            env_file: reader.text("envFile"),
            cwd: reader.text("cwd"),
        })),
        (false, _, _) if reader.problems.is_empty() => {
            reader.problem("it has neither a `command` nor a `url`".to_owned())
        }
        _ => None,
    }
}

/// The client of an entry, with the keys of Claude Code and VS Code.
fn oauth(reader: &mut Reader<'_>) -> OAuthSettings {
    let Some(raw) = reader.get("oauth") else { return OAuthSettings::default() };
    if !raw.is_object() {
        reader.wrong::<()>("oauth", "an object", &raw);
        return OAuthSettings::default();
    }
    let mut inner = Reader { raw: &raw, problems: Vec::new() };
    let port = inner.get("callbackPort");
    let settings = OAuthSettings {
        client_id: inner.text("clientId"),
        client_secret_env: inner.text("clientSecretEnv"),
        issuer: inner.text("issuer"),
        client_metadata_url: inner.text("clientMetadataUrl"),
        scopes: inner.texts("scopes"),
        callback_port: port.as_ref().and_then(|port| port.deserialize().ok()),
        ..OAuthSettings::default()
    };
    if let (Some(port), None) = (&port, settings.callback_port) {
        inner.wrong::<()>("callbackPort", "a port", port);
    }
    let problems = inner.problems;
    reader.problems.extend(problems.into_iter().map(|problem| format!("oauth: {problem}")));
    settings
}

/// Reads members, and collects what is wrong with them.
struct Reader<'a> {
    raw: &'a RawJson,
    problems: Vec<String>,
}

impl Reader<'_> {
    fn problem<T>(&mut self, text: String) -> Option<T> {
        self.problems.push(text);
        None
    }

    /// A member that is there and not null.
    fn get(&self, key: &str) -> Option<RawJson> {
        self.raw.member(key).filter(|value| !value.is_null())
    }

    fn wrong<T>(&mut self, key: &str, wanted: &str, is: &RawJson) -> Option<T> {
        self.problem(format!("`{key}` has to be {wanted}, and is {}", is.kind_name()))
    }

    fn text(&mut self, key: &str) -> Option<String> {
        let value = self.get(key)?;
        value.to_text().or_else(|| self.wrong(key, "a string", &value))
    }

    fn flag(&mut self, key: &str) -> Option<bool> {
        let value = self.get(key)?;
        value.deserialize().ok().or_else(|| self.wrong(key, "true or false", &value))
    }

    /// A number of milliseconds. Zero means no limit.
    fn millis(&mut self, key: &str) -> Option<Duration> {
        let value = self.get(key)?;
        let Ok(number) = value.deserialize::<f64>() else { return self.wrong(key, "a number", &value) };
        match Duration::try_from_secs_f64(number / 1000.0) {
            Ok(Duration::ZERO) => Some(Duration::MAX),
            Ok(time) => Some(time),
            Err(_) => self.problem(format!("`{key}` is not a number of milliseconds: {number}")),
        }
    }

    fn texts(&mut self, key: &str) -> Vec<String> {
        let Some(value) = self.get(key) else { return Vec::new() };
        if value.as_bytes().first() != Some(&b'[') {
            self.wrong::<()>(key, "an array", &value);
        }
        let elements = value.elements();
        let texts: Vec<String> = elements.iter().filter_map(scalar).collect();
        if texts.len() != elements.len() {
            self.problems.push(format!("`{key}` has to hold strings only"));
        }
        texts
    }

    /// An object of strings. Numbers and booleans count as their text; null as not there.
    fn pairs(&mut self, key: &str) -> Vec<(String, String)> {
        let Some(value) = self.get(key) else { return Vec::new() };
        if !value.is_object() {
            self.wrong::<()>(key, "an object", &value);
        }
        let mut pairs = Vec::new();
        for (name, value) in value.members().into_iter().filter(|(_, value)| !value.is_null()) {
            match scalar(&value) {
                Some(_) if name.is_empty() || name.contains(['=', '\0']) => {
                    self.problems.push(format!("`{key}` has the impossible name {name:?}"));
                }
                Some(text) => pairs.push((name, text)),
                None => self.problems.push(format!("`{key}.{name}` has to be a string")),
            }
        }
        pairs
    }
}

fn scalar(value: &RawJson) -> Option<String> {
    match value.as_bytes().first() {
        Some(b'"') => value.to_text(),
        Some(b'{' | b'[' | b'n') | None => None,
        Some(_) => Some(value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(json: &str) -> Result<Entry, Vec<String>> {
        parse(&RawJson::parse(json.to_owned()).unwrap())
    }

    #[test]
    fn a_program_is_read_with_all_its_keys() {
        let entry = parsed(
            r#"{"type":"stdio","command":"npx","args":["-y",8],"env":{"A":"1","B":true,"C":null},
                "envFile":".env","cwd":"/x","timeout":1500,"disabled":true,"weird":1,"trust":true}"#,
        )
        .unwrap();
        let Kind::Stdio(program) = &entry.kind else { panic!("{entry:?}") };
        assert_eq!(program.args, ["-y", "8"]);
        assert_eq!(program.env, [("A", "1"), ("B", "true")].map(|(k, v)| (k.to_owned(), v.to_owned())));
        assert_eq!((program.env_file.as_deref(), program.cwd.as_deref()), (Some(".env"), Some("/x")));
        assert_eq!((entry.timeout, entry.off), (Some(Duration::from_millis(1500)), true));
        assert_eq!(entry.warnings, ["`weird` is not known, and ignored"]);
        assert!(parsed(r#"{"command":"x","enabled":false}"#).unwrap().off);
    }

    #[test]
    fn the_three_names_of_a_url_are_known() {
        for json in [
            r#"{"url":"https://h/mcp"}"#,
            r#"{"serverUrl":"https://h/mcp","headers":{"X":"1"}}"#,
            r#"{"type":"streamable-http","httpUrl":"https://h/mcp"}"#,
        ] {
            let entry = parsed(json).unwrap();
            assert!(matches!(&entry.kind, Kind::Remote { url, .. } if url == "https://h/mcp"), "{entry:?}");
        }
    }

    #[test]
    fn problems_name_the_key() {
        let rows = [
            ("[]", "object"),
            ("{}", "neither"),
            (r#"{"command":" "}"#, "neither"),
            (r#"{"command":1}"#, "`command`"),
            (r#"{"command":"x","url":"y"}"#, "which one"),
            (r#"{"type":"http"}"#, "no `url`"),
            (r#"{"type":"carrier-pigeon","command":"x"}"#, "carrier-pigeon"),
            (r#"{"command":"x","args":"-y"}"#, "`args`"),
            (r#"{"command":"x","args":[{}]}"#, "`args`"),
            (r#"{"command":"x","env":[]}"#, "`env`"),
            (r#"{"command":"x","env":{"A":["hunter2"]}}"#, "`env.A`"),
            (r#"{"command":"x","env":{"A=B":"hunter2"}}"#, "A=B"),
            (r#"{"url":"https://h","oauth":7}"#, "`oauth`"),
            (r#"{"url":"https://h","oauth":{"callbackPort":99999}}"#, "oauth: `callbackPort`"),
            (r#"{"command":"x","timeout":-1}"#, "`timeout`"),
            (r#"{"command":"x","disabled":"yes"}"#, "`disabled`"),
        ];
        for (json, named) in rows {
            let problems = parsed(json).unwrap_err().join("; ");
            assert!(problems.contains(named) && !problems.contains("hunter2"), "{json}: {problems}");
        }
    }
}
