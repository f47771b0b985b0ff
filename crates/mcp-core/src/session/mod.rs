//! The sans-IO session: all protocol decisions, without sockets, clocks or tasks.
//!
//! # The single-mutation rule
//!
//! 1. Call one method: a `handle_*` method for input, or a command of the application.
//! 2. Call `poll_output` until it returns [`Output::Wait`].
//! 3. Carry out each output, in order.
//! 4. Wait for the instant of `Wait`, or for the next input.
//! 5. Go to 1. At the instant of `Wait`, call `handle_timeout`.
//!
//! # Conventions of both sessions
//!
//! Every method that changes a session takes `now` first, and none returns a `Result`. A command that opens something
//! returns its id, and its outcome is always an event, also if it is refused at once. Ids that are unknown or done
//! are ignored. Getters take no time.
//!
//! Nothing here names a runtime or reads a clock; `cargo xtask tidy` checks it. The eras are sibling files under a
//! shared opening, so that code of one era cannot use what only the other has.

pub mod client;
mod departure;
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
