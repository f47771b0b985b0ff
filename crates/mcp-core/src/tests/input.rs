//! Questions of the server: one handler of the client for both eras.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

use super::{KINDS, builder, object, serve};
use crate::Error;
use crate::client::{CallOptions, EraMode};
use crate::message::RawJson;
use crate::server::{Router, ToolDef, ToolReply};
use crate::session::{InputRequest, InputRequired};
use crate::transport::memory;

fn asking() -> Router {
    Router::new().tool(ToolDef::new("ask"), |_, context| async move {
        Ok(match context.input_responses() {
            Some(answers) => ToolReply::text(&answers.to_string()),
            None => InputRequired {
                requests: vec![InputRequest { key: "r".into(), method: "roots/list".into(), params: None }],
                state: None,
            }
            .into(),
        })
    })
}

/// MRTR-S-002, MRTR-C-011: the handler is written once, and so is the answer.
#[tokio::test(start_paused = true)]
async fn one_input_handler_serves_both_eras() {
    for (era, binding) in KINDS {
        let (_server, connector) = serve(asking(), &memory::Pair::new(binding));
        let client = builder(era)
            .capability("roots", RawJson::EMPTY_OBJECT)
            .input_handler(|request: InputRequest, _| async move {
                assert_eq!(request.method, "roots/list");
                Ok(RawJson::parse(r#"{"roots":[{"uri":"file:///home"}]}"#).unwrap())
            })
            .connect(connector)
            .await
            .unwrap();
        let result = client.request("tools/call", object(r#"{"name":"ask"}"#)).await.unwrap();
        assert!(result.raw().to_string().contains("file:///home"), "{era:?}: {result:?}");
    }
}

/// A panic in the input handler is an error for the server; the client continues.
#[tokio::test(start_paused = true)]
async fn a_panic_in_the_input_handler_is_contained() {
    for (era, binding) in KINDS {
        let (_server, connector) = serve(asking(), &memory::Pair::new(binding));
        let client = builder(era)
            .capability("roots", RawJson::EMPTY_OBJECT)
            .input_handler(|_, _| async {
                if true {
                    panic!("no");
                }
                Ok(RawJson::EMPTY_OBJECT)
            })
            .connect(connector)
            .await
            .unwrap();
        let outcome = client.request("tools/call", object(r#"{"name":"ask"}"#)).await;
        let code = match outcome {
            // A legacy server receives the error as its client's answer, and fails the call.
            Err(Error::Rpc(error)) if matches!(era, EraMode::Legacy(_)) => error.code,
            Err(Error::InputRefused(error)) => error.code,
            other => panic!("{era:?}: {other:?}"),
        };
        assert_eq!(code, -32603, "{era:?}");
        client.request("tools/list", None).await.unwrap();
    }
}

struct CountDrop(Arc<AtomicUsize>);

impl Drop for CountDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// CANC-B-005: when the call is given up, the input handler is dropped.
#[tokio::test(start_paused = true)]
async fn an_unwanted_question_is_dropped() {
    for (era, binding) in KINDS {
        let (_server, connector) = serve(asking(), &memory::Pair::new(binding));
        let (asked, dropped) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
        let (signal, counter) = (asked.clone(), dropped.clone());
        let client = builder(era)
            .capability("roots", RawJson::EMPTY_OBJECT)
            .input_handler(move |_, _| {
                let (signal, counter) = (signal.clone(), counter.clone());
                async move {
                    let _count = CountDrop(counter);
                    signal.notify_one();
                    pending::<()>().await;
                    Ok(RawJson::EMPTY_OBJECT)
                }
            })
            .connect(connector)
            .await
            .unwrap();
        let call = client.call("tools/call", object(r#"{"name":"ask"}"#), CallOptions::default());
        asked.notified().await;
        drop(call);
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        assert_eq!(dropped.load(Ordering::SeqCst), 1, "{era:?} {}", binding.name);
    }
}
