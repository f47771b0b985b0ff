//! The options for servers behind a URL.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use mcp_http::Secret;

use super::{assignment, duration};

/// How a server behind a URL is reached. Secrets come from here or from the environment, and are never printed.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Options for servers behind a URL")]
pub(crate) struct HttpOptions {
    /// Send this header, written `Name: value`; a secret is better given by --header-env
    // Parsed later: clap's errors contain the value.
    #[arg(short = 'H', long = "header", global = true, value_name = "HEADER")]
    pub(crate) header: Vec<Secret>,
    /// Send this header with what the variable holds
    #[arg(long, global = true, value_name = "NAME=VAR", value_parser = assignment)]
    pub(crate) header_env: Vec<(String, String)>,
    /// Send `Authorization: Bearer` with what the variable holds
    #[arg(long, global = true, value_name = "VAR")]
    pub(crate) bearer_env: Option<String>,
    /// Log in during the command, if the server wants a login
    #[arg(long, global = true)]
    pub(crate) login: bool,
    /// Use the login of this name (`default` unless it is given)
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Print the URL of a login, and open no browser
    #[arg(long, global = true)]
    pub(crate) no_browser: bool,
    /// Trust the certificates in this file (PEM) too
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) ca_cert: Vec<PathBuf>,
    /// Trust any certificate; for tests only
    #[arg(long, global = true)]
    pub(crate) insecure: bool,
    /// Send credentials over http:// to another machine, where the network can read them
    #[arg(long, global = true)]
    pub(crate) allow_http: bool,
    /// How long connecting may take (10s by default; 0: no limit)
    #[arg(long, global = true, value_name = "TIME", value_parser = duration)]
    pub(crate) connect_timeout: Option<Duration>,
    /// How long an answer may pause (5m by default; 0: no limit)
    #[arg(long, global = true, value_name = "TIME", value_parser = duration)]
    pub(crate) idle_timeout: Option<Duration>,
}

impl HttpOptions {
    /// The first of these options that was given. They do not apply to a server that is started here.
    pub(crate) fn given(&self) -> Option<&'static str> {
        let rows = [
            ("--header", !self.header.is_empty()),
            ("--header-env", !self.header_env.is_empty()),
            ("--bearer-env", self.bearer_env.is_some()),
            ("--login", self.login),
            ("--profile", self.profile.is_some()),
            ("--no-browser", self.no_browser),
            ("--ca-cert", !self.ca_cert.is_empty()),
            ("--insecure", self.insecure),
            ("--allow-http", self.allow_http),
            ("--connect-timeout", self.connect_timeout.is_some()),
            ("--idle-timeout", self.idle_timeout.is_some()),
        ];
        rows.iter().find(|row| row.1).map(|row| row.0)
    }
}
