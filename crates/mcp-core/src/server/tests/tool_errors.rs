//! `?` in a tool: any error is a failure that the model reads, an error object is a refusal.

use std::borrow::Cow;
use std::fmt;
use std::io;

use anyhow::Context as _;

use super::{Peer, server};
use crate::message::ErrorObject;
use crate::server::{HandlerError, Router};
use crate::transport::Binding;

#[derive(Debug)]
struct Outer(io::Error);

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the notes cannot be read")
    }
}

impl std::error::Error for Outer {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

fn missing() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "no such file")
}

fn failed(error: impl Into<HandlerError>) -> String {
    match error.into() {
        HandlerError::Failed(text) => text,
        other => panic!("{other:?}"),
    }
}

fn refused(error: impl Into<HandlerError>) -> i64 {
    match error.into() {
        HandlerError::Refused(error) => error.code,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_error_is_a_failure_with_its_causes() {
    assert_eq!(failed("a text"), "a text");
    assert_eq!(failed("a text".to_owned()), "a text");
    assert_eq!(failed(Cow::Borrowed("a text")), "a text");
    assert_eq!(failed(missing()), "no such file");
    assert_eq!(failed(Outer(missing())), "the notes cannot be read: no such file");
    let anyhow = Err::<(), _>(missing()).context("reading").context("listing").unwrap_err();
    assert_eq!(failed(anyhow), "listing: reading: no such file");
    let boxed: Box<dyn std::error::Error + Send + Sync> = "boxed".into();
    assert_eq!(failed(boxed), "boxed");
    // A message that repeats its source is not said twice.
    let repeats = anyhow::Error::new(missing()).context("reading failed: no such file");
    assert_eq!(failed(repeats), "reading failed: no such file");
}

#[test]
fn an_error_object_is_a_refusal_also_in_a_box() {
    assert_eq!(refused(ErrorObject::invalid_params("x")), -32602);
    let boxed: Box<dyn std::error::Error + Send + Sync> = Box::new(ErrorObject::internal("x"));
    assert_eq!(refused(boxed), -32603);
}

/// The question mark as an application writes it.
#[tokio::test(start_paused = true)]
async fn a_question_mark_makes_the_tool_fail_for_the_model() {
    let server = server(
        Router::new()
            .tool("io", |_, _| async { Ok(Err::<String, _>(missing())?) })
            .tool("anyhow", |_, _| async { Ok(Err::<String, _>(anyhow::anyhow!("no such note"))?) })
            .tool("refused", |_, _| async {
                Ok(Err::<String, _>(ErrorObject::invalid_params("no such shape"))?)
            }),
    );
    let mut peer = Peer::of(&server, Binding::STREAM);
    for (name, expected) in [
        ("io", r#""content":[{"type":"text","text":"no such file"}],"isError":true"#),
        ("anyhow", r#""content":[{"type":"text","text":"no such note"}],"isError":true"#),
        ("refused", r#""error":{"code":-32602,"message":"no such shape"}"#),
    ] {
        peer.modern(1, "tools/call", &format!(r#"{{"name":"{name}"}}"#)).await;
        let reply = peer.text().await;
        assert!(reply.contains(expected), "{reply}");
    }
}
