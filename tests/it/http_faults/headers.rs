//! The headers of our client: no text can inject a header, and each era has its own set.

use base64ct::{Base64, Encoding};
use mcp_core::message::RawJson;
use mcp_core::transport::async_trait;
use mcp_http::net::{AuthError, AuthHeaders, Authorize, RequestInfo};
use mcp_tests::fault_server::{FaultServer, On, Rule, Seen, Step};

use super::kit::*;

/// Names and arguments that try to inject headers.
const HOSTILE: &[&str] = &[
    "plain",
    "two words",
    "a\r\nX-Evil: 1",
    "a\nX-Evil: 1\n\n{}",
    "a\r\n\r\nPOST /mcp HTTP/1.1\r\nHost: evil\r\n\r\n",
    "a\0b",
    "\u{7f}\u{1b}[31m",
    " lead",
    "trail ",
    "\t",
    "",
    "ü€😀",
    "a\u{85}b\u{2028}c",
    "=?base64?aGk=?=",
    "=?BASE64?aGk=?=",
    "a, b; c=\"d\"",
    "../../etc/passwd%0d%0aX-Evil: 1",
];

/// The names of a request's headers, in lower case and order.
fn names(seen: &Seen) -> Vec<String> {
    let mut names: Vec<_> = seen.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    names.sort();
    names
}

fn decoded(seen: &Seen, name: &str) -> String {
    let value = seen.header(name).unwrap_or_else(|| panic!("no {name} in {:?}", seen.headers));
    let coded = value.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?="));
    coded.map_or_else(
        || value.to_owned(),
        |coded| String::from_utf8(Base64::decode_vec(coded).unwrap()).unwrap(),
    )
}

/// HDR-C-004, HDR-C-008, HDR-C-009, HDR-C-016; FAULTS B, header injection by `Mcp-Name` and `Mcp-Param-*`: the
/// request has the same headers as for a harmless name, and each text decodes to its original.
#[tokio::test(start_paused = true)]
async fn names_and_arguments_inject_no_header() {
    let tools: Vec<String> = HOSTILE
        .iter()
        .map(|name| {
            let name = RawJson::string(name).to_string();
            format!(
                r#"{{"name":{name},"inputSchema":{{"type":"object","properties":{{"where":{{"type":"string","x-mcp-header":"Where"}}}}}}}}"#
            )
        })
        .collect();
    let list = format!(
        r#"{{"resultType":"complete","tools":[{}],"ttlMs":0,"cacheScope":"private"}}"#,
        tools.join(",")
    );
    let mut script = vec![
        Rule::new(On::Rpc("tools/list"), [Step::result(&list)]),
        Rule::new(On::Rpc("resources/read"), [Step::result(SAID)]),
        Rule::new(On::Rpc("prompts/get"), [Step::result(SAID)]),
    ];
    script.extend(modern_json());
    let server = FaultServer::memory(script);
    let client = connect(MODERN, &server).await;
    in_time(client.request("tools/list", None)).await.unwrap();
    for text in HOSTILE {
        let value = || RawJson::string(text);
        let arguments = RawJson::object([("where", value())]);
        let call = RawJson::object([("name", value()), ("arguments", arguments)]);
        in_time(client.request("tools/call", Some(call))).await.unwrap();
        in_time(client.request("resources/read", Some(RawJson::object([("uri", value())])))).await.unwrap();
        in_time(client.request("prompts/get", Some(RawJson::object([("name", value())])))).await.unwrap();
    }
    let record = server.record();
    assert_eq!(record.requests.len(), 2 + 3 * HOSTILE.len());
    for line in ["POST tools/call", "POST resources/read", "POST prompts/get"] {
        let all = record.of(line);
        for (seen, text) in all.iter().zip(HOSTILE) {
            assert_eq!(names(seen), names(all[0]), "{text:?}");
            assert_eq!(decoded(seen, "mcp-name"), *text);
            assert!(seen.head.iter().all(|byte| matches!(byte, b'\r' | b'\n' | 0x20..=0x7e)), "{text:?}");
            if line == "POST tools/call" {
                assert_eq!(decoded(seen, "mcp-param-where"), *text);
            }
        }
    }
}

/// Credentials that change with every request.
struct Counting(std::sync::atomic::AtomicUsize);

#[async_trait]
impl Authorize for Counting {
    async fn authorize(&self, _request: &RequestInfo<'_>) -> Result<AuthHeaders, AuthError> {
        let count = self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        Ok(AuthHeaders::new(format!("Bearer token-{count}")))
    }
}

/// FAULT A-B21, SEC-C-006, HTTP-C-006, HTTP-C-009, SESS-C-004: every POST, GET and DELETE carries the provider's
/// credentials, the caller's headers and the protocol headers of its era. It carries none of the other era's headers.
#[tokio::test(start_paused = true)]
async fn every_request_has_the_headers_of_its_era_and_the_callers_own() {
    for (era, script) in [(MODERN, modern_sse()), (LEGACY, legacy_sse())] {
        let modern = era == MODERN;
        let server = FaultServer::memory(script);
        let http = http(&server)
            .header("x-tenant".parse().unwrap(), "7".parse().unwrap())
            .configure(|config| config.credentials.allow_plain = true)
            .authorize(Counting(0.into()));
        let client = builder(era).connect(http).await.unwrap();
        succeeds(&client).await;
        if !modern {
            server.until(|record| !record.of("GET").is_empty()).await;
        }
        in_time(client.close()).await;
        let record = server.until(|record| record.open == 0).await;
        let mut tokens: Vec<_> = Vec::new();
        for seen in &record.requests {
            let line = seen.line();
            tokens.push(seen.header("authorization").unwrap().to_owned());
            assert_eq!(seen.header("x-tenant"), Some("7"), "{line}");
            assert_eq!(seen.target, "/fault/mcp", "{line}");
            let version = if modern { "2026-07-28" } else { "2025-11-25" };
            let opening = line == "POST initialize";
            assert_eq!(seen.header("mcp-protocol-version"), (!opening).then_some(version), "{line}");
            assert_eq!(seen.header("mcp-session-id"), (!modern && !opening).then_some("s-1"), "{line}");
            let rpc = seen.rpc();
            assert_eq!(seen.header("mcp-method"), modern.then_some(rpc.as_str()), "{line}");
            let accept = if seen.method == "GET" {
                "text/event-stream"
            } else {
                "application/json, text/event-stream"
            };
            if seen.method != "DELETE" {
                assert_eq!(seen.header("accept"), Some(accept), "{line}");
            }
        }
        let requests = tokens.len();
        tokens.sort();
        tokens.dedup();
        assert_eq!(tokens.len(), requests, "the provider is called for each request: {tokens:?}");
        let expected = if modern { 2 } else { 5 };
        assert_eq!(requests, expected, "{:?}", record.lines());
    }
}
