//! A server of this program behind an authorization server.

use clap::Args;
use mcp_auth::server::{Introspection, Issuer, ResourceServer, Scopes};

use crate::connect::remote;
use crate::exit::Failure;

/// Which tokens are accepted, and what they have to allow.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options for authorization")]
pub(crate) struct Auth {
    /// Accept access tokens of this authorization server, named by its issuer identifier
    #[arg(long, requires = "listen", value_name = "URL")]
    pub(crate) auth_issuer: Option<String>,
    /// The URL of the endpoint as clients know it; the audience of tokens. Without it the URL that is printed
    #[arg(long, requires = "auth_issuer", value_name = "URL")]
    auth_resource: Option<String>,
    /// A scope that every request needs; may be given more than once
    #[arg(long, requires = "auth_issuer", value_name = "SCOPE")]
    auth_scope: Vec<String>,
    /// A scope that calls of one tool need too; may be given more than once
    #[arg(long, requires = "auth_issuer", value_name = "TOOL=SCOPE")]
    auth_tool_scope: Vec<String>,
    /// Ask the authorization server about opaque tokens, with this client id and the secret that
    /// --auth-client-secret-env names
    #[arg(long, requires = "auth_client_secret_env", value_name = "ID")]
    auth_client_id: Option<String>,
    /// The variable that holds the secret of that client
    #[arg(long, requires = "auth_client_id", value_name = "VAR")]
    auth_client_secret_env: Option<String>,
}

impl Auth {
    /// The resource server of the endpoint at this URL, under this name, unless an option says its URL; `None` without an
    /// issuer.
    pub(crate) fn resource(&self, name: &str, url: &str) -> Result<Option<ResourceServer>, Failure> {
        self.resource_at(name, self.auth_resource.as_deref().unwrap_or(url))
    }

    /// The resource server of one of several endpoints: its path, below what the option says, or else this origin.
    pub(crate) fn resource_below(
        &self,
        name: &str,
        origin: &str,
        path: &str,
    ) -> Result<Option<ResourceServer>, Failure> {
        let base = self.auth_resource.as_deref().unwrap_or(origin);
        self.resource_at(name, &format!("{}{path}", base.trim_end_matches('/')))
    }

    fn resource_at(&self, name: &str, url: &str) -> Result<Option<ResourceServer>, Failure> {
        let Some(issuer) = &self.auth_issuer else { return Ok(None) };
        let mut issuer = Issuer::new(issuer);
        if let (Some(id), Some(variable)) = (&self.auth_client_id, &self.auth_client_secret_env) {
            issuer = issuer.introspection(Introspection::new(id, remote::from_environment(variable)?));
        }
        let mut scopes = Scopes::all(&self.auth_scope);
        for rule in &self.auth_tool_scope {
            let (tool, scope) = rule
                .split_once('=')
                .ok_or_else(|| Failure::usage(format!("--auth-tool-scope {rule:?} is not TOOL=SCOPE")))?;
            scopes = scopes.tool(tool, [scope]);
        }
        ResourceServer::builder(url)
            .issuer(issuer)
            .scopes(scopes)
            .name(name)
            .build()
            .map(Some)
            .map_err(|error| Failure::usage(error.to_string()))
    }
}
