//! `mcp login`: logs in to a server, and keeps the tokens for all later commands.

use clap::Args;
use mcp_auth::client::{ResourceParameter, Status};
use mcp_core::client::Client;

use crate::commands::whoami;
use crate::connect::auth::{self, OAuthSettings, Terminal};
use crate::connect::remote::Remote;
use crate::connect::run;
use crate::connect::target::Link;
use crate::exit::Failure;
use crate::global::Global;
use crate::signals::Signals;
use crate::terminal::out;

/// `mcp login`
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The server's URL, or its name in a config file
    #[arg(value_name = "SERVER")]
    target: String,
    /// Ask for this scope instead of those that the server names; may be given several times
    #[arg(long, value_name = "SCOPE")]
    scope: Vec<String>,
    /// The id of a client that is registered at the authorization server
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// The client's secret is in this variable
    #[arg(long, value_name = "VAR", requires = "client_id")]
    client_secret_env: Option<String>,
    /// The authorization server that the client is registered at
    #[arg(long, value_name = "URL", requires = "client_id")]
    issuer: Option<String>,
    /// The https URL of a client metadata document, which is the client's id
    #[arg(long, value_name = "URL", conflicts_with = "client_id")]
    client_metadata_url: Option<String>,
    /// Listen for the redirect on this port of 127.0.0.1 (a free one by default)
    #[arg(long, value_name = "PORT")]
    callback_port: Option<u16>,
    /// Be redirected to this URL, as behind a tunnel; it leads to --callback-port
    #[arg(long, value_name = "URL")]
    redirect_uri: Option<String>,
    /// Show a code to enter on another device, if the authorization server offers that
    #[arg(long, conflicts_with_all = ["callback_port", "redirect_uri"])]
    device: bool,
    /// Go on if the authorization server does not say that it supports PKCE, as Entra ID does not
    #[arg(long)]
    assume_pkce: bool,
    /// Do not name the server in the `resource` parameter, for authorization servers that refuse it
    #[arg(long)]
    omit_resource: bool,
}

impl Options {
    fn settings(&self) -> OAuthSettings {
        OAuthSettings {
            client_id: self.client_id.clone(),
            client_secret_env: self.client_secret_env.clone(),
            issuer: self.issuer.clone(),
            client_metadata_url: self.client_metadata_url.clone(),
            scopes: Vec::new(),
            callback_port: self.callback_port,
            redirect_uri: self.redirect_uri.clone(),
            device: self.device,
        }
    }
}

/// Runs the command.
pub(crate) async fn run(signals: &Signals, global: &Global, options: &Options) -> Result<(), Failure> {
    let (global, mut remote) = whoami::remote(signals, global, &options.target).await?;
    let settings = options.settings().or(&remote.oauth);
    let mut builder = auth::provider(&global, &remote.config, &settings)?;
    if let Some(limit) = global.timeout {
        builder = builder.login_timeout(limit);
    }
    if options.omit_resource {
        builder = builder.resource_parameter(ResourceParameter::Omitted);
    }
    let oauth = builder.assume_pkce(options.assume_pkce).build();
    let url = remote.endpoint()?;
    let person = Terminal::new(&global);
    let login = async {
        let done = match options.scope.as_slice() {
            [] => oauth.login(&url, person).await,
            scopes => oauth.login_for(&url, person, scopes).await,
        };
        done.map_err(|error| auth::failure(&error))
    };
    let status = tokio::select! {
        done = login => done.map_err(|failure| failure.at(Some(&remote.shown)))?,
        signal = signals.first() => return Err(Failure::signal(signal)),
    };
    let resource = oauth.resource(&url).map_err(|error| auth::failure(&error))?;
    remote.config.credentials.authorize = Some(std::sync::Arc::new(resource));
    let server = greet(signals, &global, remote).await?;
    report(&global, &server, &status)
}

/// One request with the new token, and the name of the server that answers.
async fn greet(signals: &Signals, global: &Global, remote: Remote) -> Result<String, Failure> {
    let builder = run::builder(global);
    run::with_client(signals, global, builder, Link::Http(remote), async |client: &Client| {
        let negotiated = client.ready().await?;
        let name = negotiated.server_info.as_ref().and_then(|info| info.member("name")?.to_text());
        Ok(name.unwrap_or_else(|| "a server that does not say who it is".to_owned()))
    })
    .await
}

fn report(global: &Global, server: &str, status: &Status) -> Result<(), Failure> {
    if global.json {
        return out::json(&whoami::json(status).to_string());
    }
    out::write(format!("Logged in to {}.\n{}", crate::text::safe_line(server), whoami::table(global, status)))
}
