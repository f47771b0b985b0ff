//! Tools that register themselves: what the attribute `tool` implements.

use super::{Router, ToolOutput};
use crate::server::HandlerError;

/// Tools that register themselves. The attribute `tool` (feature `macros`) implements it for a type of the
/// function's name, or for the type of the `impl`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a set of tools for a router with the state `{S}`",
    label = "not a set of tools of this router",
    note = "write `#[mcp_core::tool]` above an `async fn`, or above the `impl` whose methods are tools",
    note = "the methods of an `impl Notes` belong to `Router::with_state(notes)`, whose state is a `Notes`"
)]
pub trait ToolSet<S> {
    /// The router with these tools added.
    fn add_to(router: Router<S>) -> Router<S>;
}

impl<S> Router<S> {
    /// Registers tools that are made by the attribute [`tool`](crate::tool): `router.tools::<add>()` for an
    /// `async fn add`, `router.tools::<Notes>()` for the methods of an `impl Notes`.
    pub fn tools<T: ToolSet<S>>(self) -> Router<S> {
        T::add_to(self)
    }
}

/// What a function with the attribute `tool` may return: what [`ToolOutput`](super::ToolOutput) lists, or a
/// `Result` of it with any error.
#[diagnostic::on_unimplemented(
    message = "a tool cannot return `{Self}`",
    label = "not a tool's result",
    note = "return a `Result` of text or of `mcp_core::server::Json(value)`, with any error"
)]
pub trait IntoOutcome {
    /// The result of a tool that did not fail.
    type Output: ToolOutput;

    /// The outcome.
    ///
    /// # Errors
    ///
    /// The function's error.
    fn into_outcome(self) -> Result<Self::Output, HandlerError>;
}

impl<R: ToolOutput> IntoOutcome for R {
    type Output = R;

    fn into_outcome(self) -> Result<R, HandlerError> {
        Ok(self)
    }
}

impl<R: ToolOutput, E: Into<HandlerError>> IntoOutcome for Result<R, E> {
    type Output = R;

    fn into_outcome(self) -> Result<R, HandlerError> {
        self.map_err(Into::into)
    }
}
