//! The provider: tokens for any number of MCP servers, for all tasks and processes that share a store.

mod authorize;
mod builder;
mod flight;
mod oauth;
mod resource;
mod run;
mod status;
#[cfg(test)]
mod tests;

pub use builder::OAuthBuilder;
pub use oauth::OAuth;
pub use resource::ResourceAuth;
pub use status::{LogoutReport, Status};
