//! The resource server: pure tables, and a whole server against an authorization server in the same process.
#![cfg(feature = "client")]

mod cache;
mod claims;
mod kit;
mod requests;
mod scenarios;
mod scopes;
mod tokens;
