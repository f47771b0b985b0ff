//! Which variables of our environment a child sees.
// FAULT A-B30.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

/// What every child gets: user, locale and directories. Nothing that usually holds a secret.
#[cfg(not(windows))]
const INHERITED: &[&str] =
    &["HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR"];

#[cfg(windows)]
const INHERITED: &[&str] = &[
    "APPDATA",
    "HOMEDRIVE",
    "HOMEPATH",
    "LOCALAPPDATA",
    "PATH",
    "PATHEXT",
    "PROCESSOR_ARCHITECTURE",
    "PROGRAMFILES",
    "SYSTEMDRIVE",
    "SYSTEMROOT",
    "TEMP",
    "TMP",
    "USERNAME",
    "USERPROFILE",
];

const NETWORK: &[&str] = &[
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NODE_EXTRA_CA_CERTS",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
];

/// The environment of a child: inherited variables, then those passed by name, then those that are set.
pub(crate) fn child_env(
    passed: &[OsString],
    set: &BTreeMap<OsString, OsString>,
    ours: impl Fn(&OsStr) -> Option<OsString>,
) -> BTreeMap<OsString, OsString> {
    let names = INHERITED.iter().chain(NETWORK).map(OsStr::new).chain(passed.iter().map(OsString::as_os_str));
    let mut env: BTreeMap<OsString, OsString> = names
        .filter_map(|name| Some((name.to_owned(), ours(name)?)))
        .filter(|(_, value)| !is_function(value))
        .collect();
    env.extend(set.iter().map(|(name, value)| (name.clone(), value.clone())));
    env
}

/// Old shells export functions this way, and a shell that inherits one may run it.
fn is_function(value: &OsStr) -> bool {
    value.as_encoded_bytes().starts_with(b"()")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(name: &OsStr) -> Option<OsString> {
        match name.to_str()? {
            "PATH" => Some("/bin".into()),
            "SHELL" => Some("() { evil; }".into()),
            "HTTPS_PROXY" => Some("http://proxy".into()),
            "SECRET" | "WANTED" => Some("canary".into()),
            _ => None,
        }
    }

    /// FAULT A-B30: nothing is inherited but the list, what was named, and what was set.
    #[test]
    fn only_the_list_the_named_and_the_set() {
        let set = BTreeMap::from([("PATH".into(), "/opt".into()), ("EXTRA".into(), "1".into())]);
        let env = child_env(&["WANTED".into(), "ABSENT".into()], &set, ours);
        let env: Vec<_> = env.iter().map(|(name, value)| (name.to_str(), value.to_str())).collect();
        assert_eq!(
            env,
            [("EXTRA", "1"), ("HTTPS_PROXY", "http://proxy"), ("PATH", "/opt"), ("WANTED", "canary")]
                .map(|(name, value)| (Some(name), Some(value)))
        );
    }
}
