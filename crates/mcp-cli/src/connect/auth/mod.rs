//! OAuth for servers behind a URL: what is stored is used by every command, and `mcp login` stores it.

pub(crate) mod browser;
pub(crate) mod person;
mod stored;

use std::sync::Arc;

use mcp_auth::client::{FileStore, Grant, OAuth, OAuthBuilder, OAuthError, Redirect, Registration};
use mcp_http::client::HttpClientConfig;
use mcp_http::http::Uri;
use mcp_http::net::Authorize;

use crate::connect::remote::from_environment;
use crate::exit::{Code, Failure};
use crate::global::Global;

pub(crate) use person::Terminal;
use stored::Stored;

/// What a config entry or a command line says about the client.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct OAuthSettings {
    pub(crate) client_id: Option<String>,
    /// The name of a variable, never a secret.
    pub(crate) client_secret_env: Option<String>,
    pub(crate) issuer: Option<String>,
    pub(crate) client_metadata_url: Option<String>,
    pub(crate) scopes: Vec<String>,
    pub(crate) callback_port: Option<u16>,
    pub(crate) redirect_uri: Option<String>,
    pub(crate) device: bool,
}

impl OAuthSettings {
    /// These settings, completed by others.
    pub(crate) fn or(self, other: &OAuthSettings) -> OAuthSettings {
        // A client's parts belong together.
        let client = if self.client_id.is_some() { &self } else { other }.clone();
        OAuthSettings {
            client_id: client.client_id,
            client_secret_env: client.client_secret_env,
            issuer: client.issuer.or_else(|| self.issuer.clone()),
            client_metadata_url: self.client_metadata_url.or_else(|| other.client_metadata_url.clone()),
            scopes: if self.scopes.is_empty() { other.scopes.clone() } else { self.scopes },
            callback_port: self.callback_port.or(other.callback_port),
            redirect_uri: self.redirect_uri.or_else(|| other.redirect_uri.clone()),
            device: self.device,
        }
    }

    fn registration(&self) -> Result<Registration, Failure> {
        let Some(id) = &self.client_id else {
            return Ok(match &self.client_metadata_url {
                Some(url) => Registration::metadata_document(url),
                None => Registration::dynamic(),
            });
        };
        let mut given = Registration::preregistered(id);
        if let Some(variable) = &self.client_secret_env {
            given = given.secret(from_environment(variable)?);
        }
        if let Some(issuer) = &self.issuer {
            given = given.issuer(issuer);
        }
        Ok(given)
    }

    fn grant(&self) -> Grant {
        if self.device {
            return Grant::Device;
        }
        Grant::AuthorizationCode(match (&self.redirect_uri, self.callback_port) {
            (Some(url), listen) => Redirect::Url { url: url.clone(), listen },
            (None, Some(port)) => Redirect::port(port),
            (None, None) => Redirect::default(),
        })
    }
}

/// A provider over the user's store, with the network settings of this connection.
pub(crate) fn provider(
    global: &Global,
    config: &HttpClientConfig,
    settings: &OAuthSettings,
) -> Result<OAuthBuilder, Failure> {
    let store = FileStore::default_place()
        .map_err(|error| Failure::new(Code::Io, "credentials cannot be kept").because(error))?;
    let mut builder = OAuth::builder()
        .client_name("mcp")
        .software("mcp-cli", env!("CARGO_PKG_VERSION"))
        .client(settings.registration()?)
        .keep_client(true)
        .grant(settings.grant())
        .scopes(&settings.scopes)
        .store(store)
        .net(config.net.clone());
    if let Some(profile) = &global.http.profile {
        builder = builder.profile(profile);
    }
    Ok(builder)
}

/// Lets the requests to this URL use what is stored for it; with `--login` they may also ask the user. `None` where
/// nothing can be stored.
pub(crate) fn authorize(
    global: &Global,
    config: &HttpClientConfig,
    settings: &OAuthSettings,
    url: &Uri,
) -> Result<Option<Arc<dyn Authorize>>, Failure> {
    if !global.http.login && FileStore::default_place().is_err() {
        return Ok(None);
    }
    let mut builder = provider(global, config, settings)?;
    if global.http.login {
        builder = builder.interactive(Terminal::new(global));
    }
    let resource = builder.build().resource(&url.to_string()).map_err(|error| failure(&error))?;
    Ok(Some(Arc::new(Stored::new(resource))))
}

/// What an error of a login means for the run.
pub(crate) fn failure(error: &OAuthError) -> Failure {
    let code = match error {
        OAuthError::LoginNeeded { .. } | OAuthError::NotCompleted { .. } => Code::AuthRequired,
        OAuthError::Refused { .. } | OAuthError::InsufficientScope { .. } => Code::Forbidden,
        OAuthError::Unavailable { .. } => Code::Unreachable,
        OAuthError::Setting { .. } => Code::Usage,
        OAuthError::Store { .. } => Code::Io,
        _ => Code::Protocol,
    };
    let text = error.to_string();
    let assumes = text.contains("`assume_pkce`");
    let failure = Failure::new(code, text);
    match error {
        _ if error.is_login_needed() => failure.needs_login(),
        OAuthError::Protocol { .. } if assumes => failure.hint("`mcp login --assume-pkce` goes on anyway"),
        _ => failure,
    }
}
