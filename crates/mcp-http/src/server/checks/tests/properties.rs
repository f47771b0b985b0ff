//! Properties over the whole table, and the session behind it.

use hyper::header::{HeaderMap, HeaderValue};
use mcp_core::message::{Message, ProtocolVersion, RawJson, Request, code};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::super::{Route, check_names, route, route_batch};
use super::{MODERN, call, claim, headers, message, version};
use crate::headers::{METHOD, NAME, PROTOCOL_VERSION, encode_value};

fn label() -> impl Strategy<Value = String> {
    prop_oneof![
        select(ProtocolVersion::ALL.iter().map(|version| version.as_str().to_owned()).collect::<Vec<_>>()),
        "[ -~]{0,12}",
    ]
}

fn any_message() -> impl Strategy<Value = Message> {
    let method =
        select(vec!["initialize", "tools/list", "tools/call", "ping", "notifications/initialized", "x"]);
    let meta = prop_oneof![
        Just(String::new()),
        label().prop_map(|label| claim(&label.replace(['"', '\\'], ""))),
        Just(r#""io.modelcontextprotocol/protocolVersion":"2026-07-28""#.to_owned()),
    ];
    prop_oneof![
        4 => (method, any::<bool>(), meta)
            .prop_map(|(method, id, meta)| call(method, id.then_some("\"i\""), &meta)),
        1 => Just(message(r#"{"jsonrpc":"2.0","id":"i","result":{}}"#)),
    ]
}

fn served() -> impl Strategy<Value = Vec<ProtocolVersion>> {
    subsequence(ProtocolVersion::ALL.to_vec(), 0..=ProtocolVersion::ALL.len())
}

proptest! {
    /// T-02: whatever is sent to whatever server, the answer keeps to a few rules.
    #[test]
    fn routes_keep_their_rules(
        values in proptest::collection::vec(label(), 0..3),
        message in any_message(),
        served in served(),
    ) {
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let headers = version(&values);
        let has_legacy = served.iter().any(|version| version.is_legacy());
        match route(&headers, &message, &served) {
            Route::Modern => {
                // One header, equal to the claim, and served.
                prop_assert!(matches!(message, Message::Request(_)));
                prop_assert_eq!(values.iter().map(|value| value.trim()).collect::<Vec<_>>(), [MODERN]);
                prop_assert!(served.contains(&ProtocolVersion::V2026_07_28));
            }
            Route::Legacy => {
                let copies = values.iter().all(|value| value.trim() == values[0].trim());
                prop_assert!(has_legacy && copies);
            }
            Route::Drop => prop_assert!(matches!(message, Message::Notification(_))),
            Route::Refuse(refusal) => {
                prop_assert_eq!(refusal.id.is_some(), matches!(message, Message::Request(_)));
                let codes = [
                    code::HEADER_MISMATCH,
                    code::INVALID_PARAMS,
                    code::UNSUPPORTED_VERSION,
                    code::INVALID_REQUEST,
                ];
                prop_assert!(codes.contains(&refusal.error.code));
                let names_versions = refusal.error.code == code::UNSUPPORTED_VERSION;
                prop_assert_eq!(refusal.error.data.is_some(), names_versions);
            }
        }
        if let Route::Legacy = route_batch(&headers, &served) {
            prop_assert!(served.contains(&ProtocolVersion::V2025_03_26));
        }
    }

    /// Any bytes in any of the headers: an answer, never a panic.
    #[test]
    fn any_bytes_in_headers_are_judged(
        bytes in proptest::collection::vec(any::<u8>(), 0..20),
        message in any_message(),
    ) {
        if let Ok(value) = HeaderValue::from_bytes(&bytes) {
            let names = [PROTOCOL_VERSION, METHOD, NAME];
            let headers: HeaderMap = names.into_iter().map(|name| (name, value.clone())).collect();
            route(&headers, &message, ProtocolVersion::ALL);
            if let Message::Request(request) = &message {
                let _judged = check_names(&headers, request);
            }
        }
    }

    /// HDR-C-004, HDR-C-008, HDR-S-005: what a client writes a server takes, whatever the tool is called, and
    /// nothing else.
    #[test]
    fn names_that_are_encoded_pass_and_others_do_not(name in any::<String>(), other in any::<String>()) {
        let params = RawJson::object([("name", RawJson::string(&name))]);
        let request = Request::new(1, "tools/call", Some(params));
        let mut headers = headers(&[("mcp-method", "tools/call")]);
        headers.insert(NAME, encode_value(&name));
        prop_assert_eq!(check_names(&headers, &request), Ok(()));
        headers.insert(NAME, encode_value(&other));
        prop_assert_eq!(check_names(&headers, &request).is_ok(), name == other);
    }
}
