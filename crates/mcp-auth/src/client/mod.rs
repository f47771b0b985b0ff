//! Logging in to MCP servers: discovery, registration, grants, refresh and stores.
//!
//! [`OAuth`] is the provider: [`OAuth::resource`] authorizes the requests of an HTTP client, [`OAuth::login`] logs a
//! person in. Without [`OAuthBuilder::interactive`] no request ever opens a browser: it fails with
//! [`OAuthError::LoginNeeded`], and the application decides.
//!
//! One provider serves all revisions of MCP that define authorization. Tokens are refreshed once for all tasks, and once
//! for all processes that share a [`FileStore`].

mod callback;
mod challenge;
mod client_auth;
mod dpop;
mod error;
mod loopback;
mod machine;
mod person;
mod pkce;
mod provider;
mod record;
mod scopes;
mod settings;
mod store;
mod token;

pub use error::{FlowStep, OAuthError};
pub use machine::{AuthorizationRequest, DeviceCode};
pub use person::Person;
pub use provider::{LogoutReport, OAuth, OAuthBuilder, ResourceAuth, Status};
pub use record::{ClientRecord, Key, Stored, TokenRecord};
pub use settings::{
    AssertionAudience, Assertions, Grant, IdentityProvider, Redirect, Registration, ResourceParameter,
};
pub use store::{CredentialStore, FileStore, MemoryStore, StoreError, StoreLock};
