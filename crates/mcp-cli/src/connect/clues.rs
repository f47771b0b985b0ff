//! What is known of a server besides its answers, for errors about it.

use std::ffi::OsString;

use mcp_core::client::EraMode;
use mcp_stdio::ChildMonitor;

use crate::connect::target::Link;
use crate::exit::{Code, Failure};
use crate::global::Global;

/// Clues to why a run failed.
#[derive(Clone, Debug)]
pub(crate) struct Clues {
    url: Option<String>,
    proxy: Option<String>,
    process: Option<Process>,
    /// Where the limit of one request is written, if not on the command line.
    timeout_from: Option<String>,
    /// The run finds out what the server speaks.
    auto: bool,
}

#[derive(Clone, Debug)]
struct Process {
    monitor: ChildMonitor,
    /// The names of the variables that it sees.
    env: Vec<OsString>,
}

impl Clues {
    /// The clues to this link.
    pub(crate) fn of(global: &Global, link: &Link) -> Clues {
        let (url, proxy, process) = match link {
            Link::Child(child) => {
                (None, None, Some(Process { monitor: child.monitor(), env: child.env_names() }))
            }
            Link::Http(remote) => (Some(remote.shown.clone()), remote.proxy(), None),
        };
        Clues {
            url,
            proxy,
            process,
            timeout_from: global.timeout_from.clone(),
            auto: global.era == EraMode::Auto,
        }
    }

    /// The failure with the clues that say more about it.
    pub(crate) fn explain(&self, failure: Failure) -> Failure {
        let mut failure = failure.at(self.url.as_deref()).through(self.proxy.as_deref());
        if failure.code == Code::Timeout
            && let Some(place) = &self.timeout_from
        {
            failure = failure.hint(format!("the limit is {place}; --timeout TIME goes before it"));
        }
        if self.auto {
            failure = failure.in_auto_mode();
        }
        let Some(process) = &self.process else { return failure };
        failure = failure.with_evidence(&process.monitor.evidence());
        if matches!(failure.code, Code::Closed | Code::Timeout)
            && let Some(name) = process.missing_variable()
        {
            failure = failure.hint(format!(
                "its stderr names {name}, which is set here and not passed on: try --pass-env {name}"
            ));
        }
        failure
    }
}

impl Process {
    /// A variable of ours that the server's stderr names and the server does not see.
    fn missing_variable(&self) -> Option<String> {
        let tail = self.monitor.evidence().stderr_tail?;
        let is_part = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        let mut names = tail.split(|c| !is_part(c)).filter(|word| word.len() > 2);
        let unseen = |name: &&str| {
            std::env::var_os(name).is_some() && !self.env.iter().any(|seen| seen.as_os_str() == *name)
        };
        names.find(unseen).map(str::to_owned)
    }
}
