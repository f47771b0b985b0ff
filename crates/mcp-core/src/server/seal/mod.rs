//! State that passes through the client's hands and comes back as it was, from where it went.
//!
//! On 2026-07-28 a handler that needs input keeps nothing: the `state` of its
//! [`InputRequired`](crate::session::InputRequired) goes to the client and comes back with the answers,
//! maybe to another replica of the server. What comes back is hostile until proven otherwise (ledger
//! MRTR-S-007). A [`Sealer`] proves it. It makes an opaque text of a payload, with a MAC (HMAC-SHA-256) over
//! the payload and all that it is good for (MRTR-S-008):
//!
//! - the user, if the application says how to tell one from the request ([`Sealer::principal`]);
//! - the method, and the params without `_meta`, `inputResponses` and `requestState`. White space, the order
//!   of members and the way in which strings are escaped do not count: clients write params anew;
//! - a short time: 10 minutes unless told otherwise.
//!
//! A sealed payload is *not encrypted*: its user can read it. Put no secrets in it.
//!
//! Replicas that share their keys trust each other's states. A text is good as often as it comes within its
//! time, unless [`Sealer::single_use`] is given a store; do so if a second use would do harm (MRTR-S-009).
//!
//! [`Context::seal`](crate::server::Context::seal) and [`Context::unseal`](crate::server::Context::unseal)
//! serve both eras. A legacy state never leaves the process: it is neither sealed nor does it expire.
//!
//! ```
//! use mcp_core::server::seal::{Key, Sealer};
//! use mcp_core::server::{Router, ToolDef, ToolError, ToolReply};
//! use mcp_core::message::RawJson;
//! use mcp_core::session::InputRequired;
//!
//! /// What the transport puts in the envelope when it has checked who calls.
//! struct User(String);
//!
//! # fn main() -> std::io::Result<()> {
//! let sealer = Sealer::new(Key::generate()?)
//!     .principal(|envelope| envelope.get::<User>().map(|user| user.0.clone().into_bytes()));
//!
//! let router = Router::new().tool(ToolDef::new("book"), move |_arguments, context| {
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
//!             return Ok::<ToolReply, ToolError>(question.with_state(state).into());
//!         };
//!         // This server wrote it, for this user and this very call.
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
