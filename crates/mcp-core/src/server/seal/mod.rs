//! State that passes through the client and is verified when it returns.
//!
//! On 2026-07-28 a handler that needs input keeps nothing: the `state` of its
//! [`InputRequired`](crate::session::InputRequired) is sent to the client and comes back with the answers,
//! possibly to another replica of the server. The client may have changed it. A [`Sealer`] makes an opaque text
//! of a payload, with a MAC (HMAC-SHA-256) over the payload and everything the state is bound to:
//!
//! - the user: the owner of the verified [`Identity`](crate::transport::Identity), or what [`Sealer::principal`] says;
//! - the method, and the params without `_meta`, `inputResponses` and `requestState`. White space, the order
//!   of members and the escapes of strings do not matter, because clients may rewrite the params;
//! - a lifetime, 10 minutes by default.
//!
//! A sealed payload is *not encrypted*: the client can read it. Put no secrets in it.
//!
//! Replicas that share their keys accept each other's states. A state can be used repeatedly within its
//! lifetime. If a second use would do harm, give the sealer a store with [`Sealer::single_use`].
//!
//! [`Context::seal`](crate::server::Context::seal) and [`Context::unseal`](crate::server::Context::unseal)
//! work in both eras. The state of a legacy client stays in the process: it is not sealed and does not expire.
//!
//! ```
//! use mcp_core::server::seal::{Key, Sealer};
//! use mcp_core::server::{Router, ToolReply};
//! use mcp_core::message::RawJson;
//! use mcp_core::session::InputRequired;
//!
//! # fn main() -> std::io::Result<()> {
//! let sealer = Sealer::new(Key::generate()?);
//!
//! let router = Router::new().tool("book", move |_arguments, context| {
//!     let sealer = sealer.clone();
//!     async move {
//!         let Some(state) = context.unseal(&sealer).await? else {
//!             let state = context.seal(&sealer, "seat 12")?;
//!             let schema = RawJson::object([("type", RawJson::string("object"))]);
//!             let form = RawJson::object([
//!                 ("message", RawJson::string("Book seat 12?")),
//!                 ("requestedSchema", schema),
//!             ]);
//!             let question = InputRequired::ask("sure", "elicitation/create", Some(form));
//!             return Ok(ToolReply::from(question.with_state(state)));
//!         };
//!         // Sealed by this server, for this user and this call.
//!         Ok(format!("booked {}", String::from_utf8_lossy(&state)).into())
//!     }
//! });
//! # Ok(())
//! # }
//! ```

mod context;
mod digest;
mod error;
mod key;
mod sealer;
mod text;
mod used_states;

pub(super) use error::refusal;
pub use error::{Fault, OpenError, SealError};
pub use key::Key;
pub use sealer::{MAX_KEYS, Scope, Sealer};
pub use text::MAX_TEXT;
pub use used_states::{MemoryUsedStates, StoreError, UsedStates};
