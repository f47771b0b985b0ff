//! An error together with its causes, as text.

use std::error::Error;
use std::fmt;

/// Displays an error and its causes, joined by `": "`.
///
/// The errors of this workspace do not repeat the text of their [`source`](Error::source), so `{error}` alone names
/// what failed, and an `ErrorChain` also why.
///
/// ```
/// use mcp_core::transport::{ConnectError, ErrorChain};
///
/// let error = ConnectError::unreachable("connection refused");
/// assert_eq!(error.to_string(), "the peer cannot be reached");
/// assert_eq!(ErrorChain::new(&error).to_string(), "the peer cannot be reached: connection refused");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ErrorChain<'a>(&'a (dyn Error + 'static));

impl<'a> ErrorChain<'a> {
    /// The chain that starts at this error.
    pub fn new(error: &'a (dyn Error + 'static)) -> ErrorChain<'a> {
        ErrorChain(error)
    }
}

impl fmt::Display for ErrorChain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.0, f)?;
        let causes = std::iter::successors(self.0.source(), |&error| error.source());
        for cause in causes {
            write!(f, ": {cause}")?;
        }
        Ok(())
    }
}
