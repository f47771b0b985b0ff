//! The commands, one file each. What several commands share is in `list`.

pub(crate) mod call;
pub(crate) mod check;
pub(crate) mod complete;
pub(crate) mod completion;
pub(crate) mod config;
pub(crate) mod demo;
pub(crate) mod discover;
pub(crate) mod info;
pub(crate) mod list;
pub(crate) mod listen;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod man;
pub(crate) mod ping;
pub(crate) mod prompt;
pub(crate) mod prompts;
pub(crate) mod read;
pub(crate) mod request;
pub(crate) mod resources;
pub(crate) mod serve_demo;
pub(crate) mod shell;
pub(crate) mod templates;
pub(crate) mod token;
pub(crate) mod tool;
pub(crate) mod tools;
pub(crate) mod whoami;
