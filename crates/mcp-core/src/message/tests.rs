//! Decoding messages: the cases that broke other implementations.

use bytes::Bytes;
use proptest::prelude::*;

use super::string_scan::read_text;
use super::*;

fn one(text: &str) -> Result<Message, Refusal> {
    match decode(Bytes::copy_from_slice(text.as_bytes())) {
        Decoded::One(one) => one,
        Decoded::Batch(_) => panic!("a batch: {text}"),
    }
}

fn refused(text: &str) -> Refusal {
    one(text).expect_err(text)
}

/// RPC-B-001: `jsonrpc` must be present and "2.0"; the id is echoed.
#[test]
fn the_version_member_is_checked() {
    for text in [
        r#"{"id":1,"method":"x"}"#,
        r#"{"jsonrpc":"1.0","id":1,"method":"x"}"#,
        r#"{"jsonrpc":2.0,"id":1,"method":"x"}"#,
    ] {
        let refusal = refused(text);
        assert_eq!(
            (refusal.error.code, refusal.id, refusal.shape),
            (code::INVALID_REQUEST, Some(1.into()), Shape::Request)
        );
    }
}

/// RPC-B-004, ID-B-002, FAULT C-36: a method with a null id is a bad request, not a notification.
#[test]
fn null_is_not_absent() {
    let refusal = refused(r#"{"jsonrpc":"2.0","id":null,"method":"x"}"#);
    assert_eq!(
        (refusal.error.code, refusal.id, refusal.shape),
        (code::INVALID_REQUEST, None, Shape::Request)
    );
    assert!(matches!(one(r#"{"jsonrpc":"2.0","method":"x"}"#), Ok(Message::Notification(_))));
}

/// RPC-B-005, RPC-B-006, RPC-B-007, RPC-B-008.
#[test]
fn a_response_has_exactly_one_legal_outcome() {
    for outcome in [
        r#""result":{},"error":{"code":1,"message":"x"}"#,
        r#""result":null"#,
        r#""result":[]"#,
        r#""error":{"code":1.5,"message":"x"}"#,
        r#""error":{"code":"x","message":"x"}"#,
        r#""error":{"code":1}"#,
        r#""error":null"#,
        r#""error":{"code":1,"code":2,"message":"x"}"#,
    ] {
        let refusal = refused(&format!(r#"{{"jsonrpc":"2.0","id":4,{outcome}}}"#));
        assert_eq!(
            (refusal.shape, refusal.id, refusal.error.code),
            (Shape::Response, Some(4.into()), code::INVALID_REQUEST),
            "{outcome}"
        );
    }
    assert!(one(r#"{"jsonrpc":"2.0","id":4,"result":{}}"#).is_ok());
    for data in ["1", "[1]", "null", "{}", "\"x\""] {
        let text = format!(r#"{{"jsonrpc":"2.0","id":4,"error":{{"code":-1,"message":"m","data":{data}}}}}"#);
        let Ok(Message::Response(Response { outcome: Err(error), .. })) = one(&text) else {
            panic!("{data}")
        };
        assert_eq!(error.data.unwrap().to_string(), data);
    }
}

/// ID-B-007, T-03: an error without a readable request has an absent or a null id.
#[test]
fn errors_without_id_are_read() {
    for id in ["", "\"id\":null,"] {
        let text = format!(r#"{{"jsonrpc":"2.0",{id}"error":{{"code":-32700,"message":"x"}}}}"#);
        assert!(matches!(one(&text), Ok(Message::Response(Response { id: None, .. }))));
    }
}

/// RPC-B-009: params are an object.
#[test]
fn params_are_an_object() {
    for params in ["[1]", "null", "1", "\"x\""] {
        assert_eq!(
            refused(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"x","params":{params}}}"#)).error.code,
            code::INVALID_REQUEST
        );
    }
}

/// Else a header check reads one name and the handler another.
#[test]
fn duplicates_of_what_the_protocol_reads_are_refused() {
    for text in [
        r#"{"jsonrpc":"2.0","id":1,"method":"a","method":"b"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"a","meth\u006fd":"b"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"a","params":{"name":"a","n\u0061me":"b"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"a","params":{"_meta":{"progressToken":1,"progressToken":2}}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"a","params":{"_meta":{},"_meta":{}}}"#,
    ] {
        assert_eq!(refused(text).id, Some(1.into()), "{text}");
    }
    assert_eq!(refused(r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"a"}"#).id, None);
    assert!(one(r#"{"jsonrpc":"2.0","id":1,"method":"a","params":{"x":1,"x":2,"Name":1,"name":2}}"#).is_ok());
}

/// FAULT B: a key in another case is another key, whatever a checker in front of this one takes it for.
#[test]
fn keys_are_exact() {
    assert!(matches!(one(r#"{"jsonrpc":"2.0","ID":1,"method":"a"}"#), Ok(Message::Notification(_))));
    for text in [
        r#"{"jsonrpc":"2.0","id":1,"Method":"a"}"#,
        r#"{"jsonrpc":"2.0","id":1,"METHOD":"a","Result":{}}"#,
        r#"{"JsonRpc":"2.0","id":1,"method":"a"}"#,
    ] {
        assert_eq!(refused(text).error.code, code::INVALID_REQUEST, "{text}");
    }
    let text = r#"{"jsonrpc":"2.0","id":1,"method":"a","Params":{},"params":{"Name":"b","_Meta":{"progressToken":1}}}"#;
    let Ok(Message::Request(request)) = one(text) else { panic!() };
    assert_eq!((request.field(Field::Name), request.field(Field::MetaProgressToken)), (None, None));
}

#[test]
fn fields_are_found_where_they_stand() {
    let text = r#" {"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"arguments":{"name":"no"},"name" : "add","_meta":{"progressToken":"t","io.modelcontextprotocol/protocolVersion":"2026-07-28"}}} "#;
    let Ok(Message::Request(request)) = one(text) else { panic!() };
    assert_eq!(request.field(Field::Name), Some(&b"\"add\""[..]));
    assert_eq!(request.field(Field::MetaProgressToken), Some(&b"\"t\""[..]));
    assert_eq!(request.params.unwrap().field_text(Field::MetaProtocolVersion).as_deref(), Some("2026-07-28"));
}

/// With none, one or many: each present field is found, and no other.
#[test]
fn fields_of_results_are_found_however_few_there_are() {
    let fields = |result: &str| {
        let text = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{result}}}"#);
        let Ok(Message::Response(response)) = one(&text) else { panic!() };
        let result = response.outcome.unwrap();
        [Field::ResultType, Field::TtlMs, Field::Meta].map(|field| {
            result
                .field_text(field)
                .map(|text| text.into_owned())
                .or(result.field_json(field).map(|m| m.to_string()))
        })
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(fields(r#"{"x":{"ttlMs":1}}"#), [None, None, None]);
    assert_eq!(fields(r#"{"x":1,"resultType":"complete"}"#), [some("complete"), None, None]);
    assert_eq!(fields(r#"{"_meta":{"x":1}}"#), [None, None, some(r#"{"x":1}"#)]);
    assert_eq!(fields(r#"{"ttlMs":5,"resultType":"a"}"#), [some("a"), some("5"), None]);
}

/// FAULT C-9: a byte order mark, carriage returns and spaces around are tolerated on reading.
#[test]
fn space_and_byte_order_mark_are_tolerated() {
    assert!(one("\u{feff}\t{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"} \r").is_ok());
    assert_eq!(refused("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"} x").error.code, code::PARSE_ERROR);
}

/// RPC-B-003, FAULT A-B34: not UTF-8 is a parse error without id.
#[test]
fn invalid_utf8_is_a_parse_error() {
    let Decoded::One(Err(refusal)) =
        decode(Bytes::from_static(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}"))
    else {
        panic!()
    };
    assert_eq!((refusal.error.code, refusal.id), (code::PARSE_ERROR, None));
}

#[test]
fn too_deep_names_the_limit_and_the_id() {
    let refusal =
        refused(&format!(r#"{{"jsonrpc":"2.0","id":9,"method":"x","params":{{"a":{}}}}}"#, "[".repeat(200)));
    assert_eq!(refusal.id, Some(9.into()));
    assert!(refusal.error.message.contains("limit of 128"), "{}", refusal.error);
}

/// RPC-B-024: each element of a batch is judged alone.
#[test]
fn batches() {
    let text = r#"[{"jsonrpc":"2.0","id":1,"method":"a"},1,{"jsonrpc":"2.0","method":"b"}]"#;
    let Decoded::Batch(items) = decode(Bytes::from_static(text.as_bytes())) else { panic!() };
    assert!(matches!(&items[..], [Ok(Message::Request(_)), Err(_), Ok(Message::Notification(_))]));
    assert_eq!(decode(Bytes::from_static(b"[]")), Decoded::Batch(vec![]));
    let many = format!("[{}1]", "1,".repeat(MAX_BATCH));
    let Decoded::One(Err(refusal)) = decode(Bytes::from(many)) else { panic!() };
    assert!(refusal.error.message.contains("limit is 1024"));
}

#[test]
fn the_prefix_of_a_long_message_tells_its_id() {
    let long = format!(r#"{{"jsonrpc":"2.0","id":"q","method":"x","params":{{"a":"{}"#, "é".repeat(50));
    assert_eq!(peek_prefix(&long.as_bytes()[..long.len() - 1]), (Some("q".into()), Shape::Request));
    assert_eq!(peek_prefix(br#"{"id":3,"result":{"a":"#), (Some(3.into()), Shape::Unknown));
    assert_eq!(peek_prefix(b"{\"method\":\"x\",\"params\":"), (None, Shape::Unknown));
}

proptest! {
    /// The search for one name finds what the scan for all fields finds, whatever surrounds it and however
    /// keys are written.
    #[test]
    fn a_search_for_one_name_agrees_with_the_scan(members in prop::collection::vec((
        prop::sample::select(vec!["name", "uri", "n\\u0061me", "_meta", "x", "a\\\"b"]),
        prop::sample::select(vec![
            r#""echo""#, r#""a\"}b\\""#, r#""é""#, "7", "null", r#"{"name":"in","y":[{"uri":"}"}]}"#,
            r#"["]",{"name":"in"},"\\"]"#, "{}", " [ ] ", r#"{"\"":"{"}"#,
        ]),
    ), 0..6)) {
        let members: Vec<String> = members.iter().map(|(key, value)| format!("\"{key}\" : {value}")).collect();
        let raw = RawJson::parse(format!("{{{}}}", members.join(" ,"))).unwrap();
        // After a leading `_meta`, whose members are not searched.
        let head = format!("{{\"_meta\":{{\"name\":\"in\"}}{}", if members.is_empty() { "" } else { "," });
        let stamped = RawJson::parse(format!("{head}{}}}", members.join(" ,"))).unwrap();
        let given = Payload::new(raw.clone());
        prop_assert!(given.may_have_meta() || given.field(Field::Meta).is_none());
        for field in [Field::Name, Field::Uri, Field::ProtocolVersion] {
            let (quick, full) = (Payload::after_meta(stamped.clone(), head.len()), Payload::new(stamped.clone()));
            prop_assert_eq!(quick.field_text(field), full.field(field).and_then(read_text));
            let (quick, full) = (Payload::new(raw.clone()), Payload::new(raw.clone()));
            prop_assert_eq!(quick.field_text(field), full.field(field).and_then(read_text));
            // Also once the positions are known.
            prop_assert_eq!(full.field_text(field), full.field(field).and_then(read_text));
        }
    }
}

proptest! {
    /// STDIO-B-001: whatever the payload holds, a message is one line, and reads back as it was.
    #[test]
    fn messages_round_trip_on_one_line(text in any::<String>(), id in any::<i64>(), name in "[a-z/\"\\\\\n\u{2028}]{1,12}") {
        let params = format!("{{\n\"t\":{},\r\n \"u\":[1,\n2]}}", serde_json::to_string(&text).unwrap());
        let request = Request::new(id, name, Some(RawJson::parse(params).unwrap()));
        let mut line = Vec::new();
        Message::from(request.clone()).write_to(&mut line);
        prop_assert!(!line.contains(&b'\n') && !line.contains(&b'\r'));
        let Decoded::One(Ok(Message::Request(read))) = decode(line.into()) else { panic!() };
        prop_assert_eq!(&read.id, &request.id);
        prop_assert_eq!(&read.method, &request.method);
        let read: serde_json::Value = read.params.unwrap().raw().deserialize().unwrap();
        prop_assert_eq!(read["t"].as_str().unwrap(), text);
    }

    /// The buffer of an answer is full: it becomes `Bytes` without another allocation.
    #[test]
    fn the_length_of_a_result_is_known_before_it_is_written(
        number in any::<i64>(), text in "[a-z0-9 -]{0,40}", has_id in any::<bool>(), is_number in any::<bool>(),
    ) {
        let id = if is_number { RequestId::from(number) } else { RequestId::from(text.as_str()) };
        let result = RawJson::parse(format!(r#"{{"text":"{text}"}}"#)).unwrap();
        let response = Message::from(Response { id: has_id.then_some(id), ..Response::result(1.into(), result) });
        let mut out = Vec::new();
        response.write_to(&mut out);
        prop_assert_eq!(response.encoded_len_hint(), out.len());
    }

    /// Bad input is refused, never a panic.
    #[test]
    fn any_bytes_are_judged(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let _judged = decode(bytes.clone().into());
        let _peeked = peek_prefix(&bytes);
    }
}
