//! Which URLs are tried.

use hyper::Uri;

use crate::discover::candidates::list;
use crate::discover::table::Question;
use crate::net::uri::same_origin;

fn tried(given: &str, paths: Option<&[&str]>) -> Vec<String> {
    let paths: Option<Vec<String>> = paths.map(|paths| paths.iter().map(|path| (*path).to_owned()).collect());
    let list = list(&given.parse::<Uri>().unwrap(), paths.as_deref()).unwrap();
    list.into_iter().map(|candidate| candidate.url.to_string()).collect()
}

/// FAULT A-B2, A-B3: a path that was given is tried as it is, and nothing is appended to it.
#[test]
fn a_given_path_is_never_rewritten() {
    for given in
        ["https://h.test/mcp", "https://h.test/a/b/", "https://h.test/x?y=1&z=%20", "https://h.test/?k=v"]
    {
        assert_eq!(tried(given, None), [given]);
    }
}

/// FAULT A-B2: a bare origin is searched, the most usual path first, the stream of 2024-11-05 last.
#[test]
fn a_bare_origin_is_searched() {
    let paths = ["/mcp", "/", "/tools", "/api/mcp", "/v1/mcp", "/sse"];
    let wanted: Vec<String> = paths.iter().map(|path| format!("http://h.test:8080{path}")).collect();
    for given in ["http://h.test:8080", "http://h.test:8080/"] {
        assert_eq!(tried(given, None), wanted);
    }
    let all = list(&"http://h.test".parse::<Uri>().unwrap(), None).unwrap();
    let streams: Vec<&str> =
        all.iter().filter(|it| it.first == Question::Stream).map(|it| it.url.path()).collect();
    assert_eq!(streams, ["/sse"]);
}

/// The caller's own list, behind a path in the URL, each path once.
#[test]
fn a_list_of_paths_takes_the_place_of_the_usual_ones() {
    assert_eq!(
        tried("https://h.test", Some(&["a", "/b/c?d", "/a"])),
        ["https://h.test/a", "https://h.test/b/c?d"]
    );
    assert_eq!(tried("https://h.test/x", Some(&["/y", "/x"])), ["https://h.test/x", "https://h.test/y"]);
}

/// A path cannot lead to another server, where credentials would go with it.
#[test]
fn a_path_stays_on_its_server() {
    let given = "https://h.test".parse::<Uri>().unwrap();
    for path in ["//evil.test/mcp", "https://evil.test/mcp", "/\\evil.test/mcp", "\\\\evil.test"] {
        let refused = list(&given, Some(&[path.to_owned()]));
        let stays = refused.as_ref().is_ok_and(|list| list.iter().all(|it| same_origin(&it.url, &given)));
        assert!(refused.is_err() || stays, "{path}: {refused:?}");
    }
    assert!(list(&given, Some(&["//evil.test/mcp".to_owned()])).is_err());
    assert!(list(&given, Some(&[])).is_err());
}

/// Scheme, host and port, the default port included.
#[test]
fn origins_are_compared_by_scheme_host_and_port() {
    let base = "https://h.test/mcp".parse::<Uri>().unwrap();
    for (other, same) in [
        ("https://h.test:443/x", true),
        ("https://h.test:8443/x", false),
        ("http://h.test/x", false),
        ("https://sub.h.test/x", false),
        ("https://h.test.evil/x", false),
    ] {
        assert_eq!(same_origin(&base, &other.parse::<Uri>().unwrap()), same, "{other}");
    }
}
