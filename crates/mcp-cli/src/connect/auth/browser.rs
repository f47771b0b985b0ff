//! Opening a browser, and whether there is one.

use std::process::{Command, Stdio};

use mcp_http::http::Uri;

/// Starts the browser with this URL as an argument, without a shell. `false` if that is not possible.
// CVE-2025-6514: the URL is a stranger's text.
pub(crate) fn open(url: &str) -> bool {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    if !is_web(url) || cfg!(windows) {
        return false;
    }
    let mut command = Command::new(opener);
    command.arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match command.spawn() {
        Ok(mut child) => {
            // It is waited for, so that it does not stay a zombie.
            let _detached = std::thread::Builder::new().spawn(move || child.wait());
            true
        }
        Err(_) => false,
    }
}

/// Whether this is a page on `https`, or on `http` of this machine.
fn is_web(url: &str) -> bool {
    let Ok(url) = url.parse::<Uri>() else { return false };
    match url.scheme_str() {
        Some("https") => true,
        Some("http") => matches!(url.host(), Some("127.0.0.1" | "localhost" | "[::1]")),
        _ => false,
    }
}

/// No browser of this machine can be seen: a remote shell, or a Linux without a display.
pub(crate) fn is_headless() -> bool {
    is_headless_with(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

fn is_headless_with(is_set: impl Fn(&str) -> bool) -> bool {
    let remote = is_set("SSH_CONNECTION") || is_set("SSH_TTY");
    let display = is_set("DISPLAY") || is_set("WAYLAND_DISPLAY");
    remote || (cfg!(all(unix, not(target_os = "macos"))) && !display)
}

#[cfg(test)]
mod tests {
    use super::*;

    // AU-C-62.
    #[test]
    fn only_web_pages_are_opened() {
        for url in [
            "file:///etc/passwd",
            "-x",
            "javascript:alert(1)",
            "http://example.com",
            "http://127.0.0.1.example.com/",
            "http://localhost.example.com/",
            "http://localhost@example.com/",
            "calc.exe",
            "",
        ] {
            assert!(!open(url), "{url}");
        }
        for url in
            ["https://example.com/a?b=c", "http://127.0.0.1:1/x", "http://localhost/", "http://[::1]:1/"]
        {
            assert!(is_web(url), "{url}");
        }
    }

    // AU-C-63.
    #[cfg(target_os = "linux")]
    #[test]
    fn where_there_is_no_browser() {
        for (set, headless) in [
            (vec![], true),
            (vec!["DISPLAY"], false),
            (vec!["WAYLAND_DISPLAY"], false),
            (vec!["DISPLAY", "SSH_TTY"], true),
            (vec!["DISPLAY", "SSH_CONNECTION"], true),
        ] {
            assert_eq!(is_headless_with(|name| set.contains(&name)), headless, "{set:?}");
        }
    }
}
