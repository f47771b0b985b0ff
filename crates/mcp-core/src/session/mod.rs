//! The sans-IO session: every protocol decision, without a socket, a clock or a task.
//!
//! # The single-mutation rule
//!
//! 1. Tell the session one thing: a `handle_*` (the world) or a command (the application).
//! 2. Call `poll_output` until it answers [`Output::Wait`].
//! 3. Carry out each output in the order it came.
//! 4. Wait until the instant of `Wait`, or until something else happens.
//! 5. Go to 1. At the instant of `Wait` the thing to tell is `handle_timeout`.
//!
//! Time comes in as `now`. Nothing here may name a runtime or read a clock; `cargo xtask tidy` holds it.
//! Eras are sibling files under a shared opening: what one era does not have, it cannot say.

pub mod client;
mod ids;
mod input;
mod output;
pub mod server;
pub(crate) mod small;
mod subscription;

pub use ids::{CallId, ExchangeId, InputId, ListenId, OutgoingId};
pub use input::{InputRequest, InputRequired, LogLevel};
pub use output::Output;
pub use subscription::{Change, SubscriptionFilter};
