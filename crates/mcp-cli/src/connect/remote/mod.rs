//! A server behind a URL: its address, its settings, and what is refused before anything is sent.

pub(crate) mod target_kind;

use std::fmt;
use std::time::Duration;

use mcp_http::client::HttpClientConfig;
use mcp_http::http::header::AUTHORIZATION;
use mcp_http::{HttpClient, Secret};
use mcp_ws::WebSocketError;

use crate::connect::auth::{self, OAuthSettings};
use crate::connect::files;
use crate::connect::servers::redact;
use crate::exit::{self, Code, Failure};
use crate::global::{Global, HttpOptions};

use target_kind::TargetKind;

/// A server that can be reached over HTTP.
#[derive(Clone)]
pub(crate) struct Remote {
    /// As it was given: nothing of it is rewritten.
    pub(crate) url: String,
    /// As it may be shown.
    pub(crate) shown: String,
    pub(crate) config: HttpClientConfig,
    /// What a config file says about OAuth.
    pub(crate) oauth: OAuthSettings,
}

/// Without settings: they may hold secrets.
impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").field("url", &self.shown).finish_non_exhaustive()
    }
}

impl Remote {
    /// A server that this program runs on this machine.
    pub(crate) fn own(url: String) -> Remote {
        Remote {
            shown: url.clone(),
            url,
            config: HttpClientConfig::default(),
            oauth: OAuthSettings::default(),
        }
    }

    /// The server at this URL, and the options of the command line.
    pub(crate) fn new(global: &Global, url: &str) -> Result<Remote, Failure> {
        Remote::build(global, url, &[], OAuthSettings::default())
    }

    /// The server of a config file, with its headers. The options of the command line go before them.
    pub(crate) fn configured(
        global: &Global,
        url: &str,
        headers: &[(String, String)],
        oauth: OAuthSettings,
    ) -> Result<Remote, Failure> {
        Remote::build(global, url, headers, oauth).map_err(|mut failure| {
            failure.code = Code::Config;
            failure
        })
    }

    fn build(
        global: &Global,
        url: &str,
        headers: &[(String, String)],
        oauth: OAuthSettings,
    ) -> Result<Remote, Failure> {
        scheme(url)?;
        if let Some(option) = for_programs(global) {
            return Err(Failure::usage(format!(
                "{option} is for servers that are started here, and {} is behind a URL",
                redact::url(url)
            )));
        }
        let mut config = config(global, headers)?;
        let client = HttpClient::with_config(url, config.clone()).map_err(exit::unusable)?;
        let parsed = client.url();
        let shown = redact::url(&parsed.to_string());
        let crosses_a_network =
            parsed.scheme_str() == Some("http") && !target_kind::is_loopback(parsed.host().unwrap_or(""));
        let mut names =
            parsed.query().unwrap_or("").split('&').map(|pair| pair.split('=').next().unwrap_or(pair));
        let in_url = names.any(|name| redact::is_secret_name(&target_kind::percent_decoded(name)));
        let credentials =
            in_url || config.credentials.bearer.is_some() || !config.credentials.headers.is_empty();
        if crosses_a_network && credentials && !global.http.allow_http {
            return Err(Failure::usage(format!(
                "credentials are not sent to {shown} over http, where the network can read them"
            ))
            .hint(
                "use https, or --allow-http if the network is safe (your own headers count as credentials)",
            ));
        }
        // What is given goes before what is stored, and neither crosses a network in the clear.
        let given = config.credentials.bearer.is_some()
            || config.credentials.headers.iter().any(|(name, _)| *name == AUTHORIZATION);
        if !given && (!crosses_a_network || global.http.allow_http) {
            config.credentials.authorize = auth::authorize(global, &config, &oauth, parsed)?;
        }
        Ok(Remote { url: url.to_owned(), shown, config, oauth })
    }

    /// The whole URL, as credentials are filed under it.
    pub(crate) fn endpoint(&self) -> Result<String, Failure> {
        Ok(self.client()?.url().to_string())
    }

    /// Host and port of the proxy on the way to it, if there is one.
    pub(crate) fn proxy(&self) -> Option<String> {
        self.client().ok()?.proxy()
    }

    /// What makes the connections.
    pub(crate) fn client(&self) -> Result<HttpClient, Failure> {
        HttpClient::with_config(&self.url, self.config.clone()).map_err(exit::unusable)
    }
}

/// Refuses URLs that are not HTTP.
fn scheme(url: &str) -> Result<(), Failure> {
    match target_kind::of(url) {
        TargetKind::WebSocket => Err(Failure::usage(format!("{} cannot be reached", redact::url(url)))
            .because(WebSocketError::Reserved)
            .hint("most servers have an http:// or https:// URL too")),
        TargetKind::OtherScheme => {
            Err(Failure::usage(format!("{} is not the URL of a server", redact::url(url)))
                .hint("name the server first, or write the command that starts it after `--`"))
        }
        TargetKind::Url | TargetKind::Host | TargetKind::Name => Ok(()),
    }
}

/// The first option that was given and means something only where a process is started.
fn for_programs(global: &Global) -> Option<&'static str> {
    let rows = [
        ("--env", !global.env.is_empty()),
        ("--pass-env", !global.pass_env.is_empty()),
        ("--cwd", global.cwd.is_some()),
    ];
    rows.iter().find(|row| row.1).map(|row| row.0)
}

fn config(global: &Global, headers: &[(String, String)]) -> Result<HttpClientConfig, Failure> {
    let options = &global.http;
    let mut config = HttpClientConfig::default();
    let given = given_headers(options)?;
    let replaced = |name: &str| {
        given.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
            || (options.bearer_env.is_some() && name.eq_ignore_ascii_case("authorization"))
    };
    for (name, value) in headers.iter().filter(|(name, _)| !replaced(name)) {
        let bad = |what: &str| Failure::usage(format!("the header {name:?} {what}"));
        add(&mut config, name, &Secret::from(value.as_str())).map_err(bad)?;
    }
    for (index, (name, value)) in given.iter().enumerate() {
        // Named by its position: an invalid name may be a secret in the wrong place.
        let bad = |what: &str| Failure::usage(format!("header number {} of the options {what}", index + 1));
        add(&mut config, name, value).map_err(bad)?;
    }
    if let Some(variable) = &options.bearer_env {
        config.credentials.bearer = Some(from_environment(variable)?);
    }
    for path in &options.ca_cert {
        let pem = files::read_any(path)
            .map_err(|problem| Failure::usage(format!("the certificates in {} {problem}", path.display())))?;
        config.net.tls.extra_roots.push(pem.into_bytes());
    }
    config.net.user_agent = Some(concat!("mcp/", env!("CARGO_PKG_VERSION")).to_owned());
    config.net.tls.insecure = options.insecure;
    config.credentials.allow_plain = options.allow_http;
    let limit = |time: Duration| (time != Duration::MAX).then_some(time);
    if let Some(time) = options.connect_timeout {
        config.net.timeouts.connect = limit(time);
    }
    if let Some(time) = options.idle_timeout {
        config.net.timeouts.idle = limit(time);
    }
    if let Some(bytes) = global.max_message {
        config.limits.body = bytes;
        config.limits.event = bytes;
    }
    Ok(config)
}

/// The headers of the command line, with their values.
pub(crate) fn given_headers(options: &HttpOptions) -> Result<Vec<(String, Secret)>, Failure> {
    let mut headers = Vec::new();
    for (index, header) in options.header.iter().enumerate() {
        // The text is split here and goes nowhere else; a mistake is told of by its place alone.
        let (name, value) = header.expose().split_once(':').ok_or_else(|| {
            Failure::usage(format!("the value of --header number {} is not a header", index + 1))
                .hint("it is written 'Name: value'")
        })?;
        headers.push((name.trim().to_owned(), Secret::from(value.trim())));
    }
    for (name, variable) in &options.header_env {
        headers.push((name.clone(), from_environment(variable)?));
    }
    Ok(headers)
}

pub(crate) fn from_environment(variable: &str) -> Result<Secret, Failure> {
    let value = std::env::var(variable).ok().filter(|value| !value.trim().is_empty());
    // A file that was read into a variable often leaves its newline there.
    value
        .map(|value| Secret::from(value.trim()))
        .ok_or_else(|| Failure::usage(format!("the variable {variable} is not set, or empty")))
}

fn add(config: &mut HttpClientConfig, name: &str, value: &Secret) -> Result<(), &'static str> {
    let name = name.parse().map_err(|_| "has no name that a header can have")?;
    let value = value.to_header().map_err(|_| "has a value with characters that a header cannot hold")?;
    config.credentials.headers.push((name, value));
    Ok(())
}
