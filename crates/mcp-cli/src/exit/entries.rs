//! The entries of the troubleshooting guide: each is found by the text that the program prints.

/// The guide.
const GUIDE: &str = "docs/troubleshooting.md";

/// The headings of the guide. The first that an error's text contains is meant, so the more specific ones come first.
const HEADINGS: &[&str] = &[
    "timed out: no answer",
    "the server did not start within",
    "the server exited with code",
    "does not speak MCP on its standard streams",
    "the server wants credentials",
    "the server refuses",
    "no MCP endpoint at this URL",
    "no common version",
    "the handshake with the server failed",
    "the tool asked for input",
    "no config file names a server",
    "is not trusted yet",
    "certificate",
    "through the proxy",
    "cannot connect to",
    "cannot start",
    "is not MCP",
    "cut before the answer",
    "the server no longer knows the session",
    "larger than the",
    "protocol violation",
];

/// Where the guide has this error.
pub(super) fn of(text: &str) -> Option<String> {
    let heading = HEADINGS.iter().find(|heading| text.contains(**heading))?;
    Some(format!("{GUIDE}#{}", anchor(heading)))
}

/// The address of a heading within a page.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use mcp_core::message::{ErrorObject, ProtocolVersion};
    use mcp_core::transport::{CloseReport, ConnectError};
    use mcp_core::{CloseReason, Error};

    use super::*;
    use crate::exit::{Code, Failure};

    /// The guide has these entries and no others.
    #[test]
    fn every_entry_of_the_guide_is_known() {
        let guide =
            std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/troubleshooting.md"));
        let Ok(guide) = guide else { return };
        let written: BTreeSet<&str> = guide.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        assert_eq!(written, HEADINGS.iter().copied().collect());
    }

    /// What the program prints for a failure of each kind.
    fn printed() -> Vec<String> {
        let time = Duration::from_secs(1);
        let mut exited = CloseReport::default();
        exited.exit = Some(1);
        let refusal = Error::Rpc(ErrorObject::internal("no"));
        let library = [
            Error::timed_out("no answer", time),
            Error::Closed(CloseReason::not_started(time)),
            Error::Closed(CloseReason::PeerClosed(exited)),
            Error::Closed(CloseReason::no_common_version(
                vec![ProtocolVersion::V2025_11_25],
                vec!["x".into()],
            )),
            Error::Closed(CloseReason::OpeningFailed(Box::new(refusal))),
            Error::Closed(CloseReason::NoLink(ConnectError::unusable("cannot start nothing"))),
            Error::Violation("two results".into()),
        ];
        library.into_iter().map(|error| Failure::from(error).render(false)).collect()
    }

    /// Each entry is linked from an error of the library that has its text, or its text is in the sources that print it.
    #[test]
    fn every_entry_is_printed_and_linked() {
        let printed = printed();
        let sources = sources();
        for heading in HEADINGS {
            let link = of(heading).unwrap();
            let linked = printed.iter().any(|text| text.contains(heading) && text.contains(&link));
            assert!(linked || sources.iter().any(|text| text.contains(heading)), "{heading}");
            let rendered = Failure::new(Code::Closed, format!("x {heading} y")).render(false);
            assert!(rendered.contains(&format!("see: {link}\n")), "{rendered}");
        }
        assert!(printed.iter().all(|text| text.contains("see: ")), "{printed:?}");
        assert_eq!(of("something else"), None);
    }

    /// The sources of the program and of the crates whose errors it prints, but this file.
    fn sources() -> Vec<String> {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut folders: Vec<_> = ["mcp-cli", "mcp-http", "mcp-stdio", "mcp-core"]
            .iter()
            .map(|name| root.join(name).join("src"))
            .collect();
        let mut texts = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                } else if !path.ends_with("exit/entries.rs") {
                    texts.extend(std::fs::read_to_string(path));
                }
            }
        }
        texts
    }

    #[test]
    fn anchors_are_those_of_the_page() {
        assert_eq!(anchor("timed out: no answer"), "timed-out-no-answer");
    }
}
