//! The user at the terminal: sees the URL, has a browser opened, and may paste where it was redirected to.

use std::future::pending;
use std::io::{BufRead, IsTerminal};

use mcp_auth::client::{AuthorizationRequest, DeviceCode, Person};
use mcp_core::transport::async_trait;
use mcp_http::http::Uri;

use super::browser;
use crate::background;
use crate::global::Global;
use crate::terminal::out;
use crate::text;

/// Everything goes to stderr.
pub(crate) struct Terminal {
    browser: bool,
    paste: bool,
}

impl Terminal {
    /// A user with a browser, if there is one, and a terminal, if standard input is one.
    pub(crate) fn new(global: &Global) -> Terminal {
        Terminal {
            browser: !global.http.no_browser && !browser::is_headless(),
            paste: std::io::stdin().is_terminal(),
        }
    }
}

#[async_trait]
impl Person for Terminal {
    async fn open(&self, request: &AuthorizationRequest) -> Result<(), String> {
        let at = request.issuer().unwrap_or(request.endpoint());
        let mut shown = format!("Log in at {}", text::safe_line(at));
        if !request.scopes().is_empty() {
            shown.push_str(&format!(" (scopes: {})", text::safe_line(&request.scopes().join(" "))));
        }
        shown.push_str(&format!(":\n\n  {}\n\n", text::safe_line(request.url())));
        let opened = self.browser && browser::open(request.url());
        if !opened {
            shown.push_str(&elsewhere(request.redirect_uri()));
        }
        if self.paste {
            shown.push_str("If the browser cannot reach this machine, paste the URL that it ends at here.\n");
        }
        out::note(shown);
        Ok(())
    }

    async fn redirected(&self, request: &AuthorizationRequest) -> Result<String, String> {
        if !self.paste {
            return pending().await;
        }
        let line = background::run(|| {
            let mut line = String::new();
            std::io::stdin().lock().read_line(&mut line).map(|read| (read > 0).then_some(line))
        });
        match line.await {
            Some(Ok(Some(line))) => {
                if !line.trim().is_empty() && !request.is_answered_by(&line) {
                    out::note("This is not the answer to this login. Paste the whole URL.\n");
                }
                Ok(line)
            }
            // The end of the input is not the end of the login: the listener waits.
            Some(Ok(None)) | None => pending().await,
            Some(Err(error)) => Err(format!("the terminal cannot be read: {error}")),
        }
    }

    async fn show_code(&self, code: &DeviceCode) -> Result<(), String> {
        let left = text::span(code.expires_in);
        let (at, code) = (text::safe_line(&code.verification_uri), text::safe_line(&code.user_code));
        out::note(format!(
            "Open this on any device, and enter the code within {left}:\n\n  {at}\n  {code}\n\n"
        ));
        Ok(())
    }
}

/// How a browser on another machine reaches the listener.
fn elsewhere(redirect_uri: &str) -> String {
    let port = redirect_uri.parse::<Uri>().ok().and_then(|uri| uri.port_u16());
    match port {
        Some(port) => format!(
            "From another machine, make the answer reach this one first:\n\n  ssh -L {port}:127.0.0.1:{port} HOST\n\n"
        ),
        None => String::new(),
    }
}
