//! The person in front of the program.

use std::future::pending;

use mcp_core::transport::async_trait;

use super::machine::{AuthorizationRequest, DeviceCode};

/// How a program reaches the person who logs in. It never sees a token.
#[async_trait]
pub trait Person: Send + Sync + 'static {
    /// Shows [`AuthorizationRequest::url`] or opens it in a browser. Without a shell: the URL is untrusted. That
    /// a browser could not be started is not an error if the URL was shown.
    ///
    /// # Errors
    ///
    /// The person cannot be asked. The login ends with this reason.
    async fn open(&self, request: &AuthorizationRequest) -> Result<(), String>;

    /// A redirected URL that reaches the program in another way than by the loopback listener: pasted by the person, or
    /// received by the application's own endpoint. Called again after a URL that does not answer the request, at most
    /// 50 times. The default waits for ever, so that only the listener counts.
    ///
    /// **Cancellation**: dropped as soon as the listener has an answer.
    ///
    /// # Errors
    ///
    /// The person gives up. The login ends with this reason.
    async fn redirected(&self, request: &AuthorizationRequest) -> Result<String, String> {
        let _ = request;
        pending().await
    }

    /// Shows a code that is to be entered on another device. The default cannot.
    ///
    /// # Errors
    ///
    /// The person cannot be asked.
    async fn show_code(&self, code: &DeviceCode) -> Result<(), String> {
        let _ = code;
        Err("this program cannot show codes".to_owned())
    }
}
