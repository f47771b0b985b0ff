//! Which server is meant, how it is reached, and one run against it.

pub(crate) mod auth;
pub(crate) mod clues;
pub(crate) mod files;
#[cfg(unix)]
pub(crate) mod guard;
pub(crate) mod many;
pub(crate) mod remote;
pub(crate) mod run;
pub(crate) mod servers;
pub(crate) mod target;
pub(crate) mod trace;
