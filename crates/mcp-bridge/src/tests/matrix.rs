//! Two eras and two kinds of binding on each side: sixteen legs, each with ten callers whose request ids are the same.

use std::sync::Arc;

use futures::future::join_all;
use mcp_core::client::{CallOptions, Client, EraMode};
use mcp_core::session::LogLevel;
use mcp_core::transport::{Binding, Envelope};

use super::setup::{EXCHANGES, LEGACY, Nonce, Setup, answering, counted, object, only, text};
use crate::Policy;
use crate::lock::Lock;

const ERAS: [EraMode; 2] = [LEGACY, EraMode::Modern];
const BINDINGS: [Binding; 2] = [Binding::STREAM, EXCHANGES];
const CALLERS: usize = 10;

/// One caller of a leg.
struct Caller {
    name: String,
    client: Client,
    asked: Arc<Lock<Vec<String>>>,
}

// BR-04: every notification, question and answer is seen by its caller, and by no other.
#[tokio::test(start_paused = true)]
async fn nothing_crosses() {
    for up in ERAS {
        for down in ERAS {
            for (behind, front) in BINDINGS.into_iter().flat_map(|up| BINDINGS.map(|down| (up, down))) {
                let title = format!("{down:?} {} -> {up:?} {}", front.name, behind.name);
                leg(&title, (down, front), (up, behind)).await;
            }
        }
    }
}

async fn leg(title: &str, (down, front): (EraMode, Binding), (up, behind): (EraMode, Binding)) {
    let setup = Setup::new(only(up), behind, Policy::PerCaller);
    let callers = join_all((0..CALLERS).map(async |number| {
        let name = format!("{number}-caller");
        let asked = Arc::default();
        let client = answering(down, &asked);
        let client = client.connect(setup.connector(front, Some(&name))).await;
        let client = client.unwrap_or_else(|error| panic!("{title}: {error}"));
        if matches!(down, EraMode::Legacy(_)) {
            client.request("logging/setLevel", object(r#"{"level":"info"}"#)).await.unwrap();
        }
        Caller { name, client, asked }
    }))
    .await;
    // A byte stream does not say to which of several calls a log message or a question belongs.
    let at_once = if behind.continuous || front.continuous { 1 } else { 10 };
    join_all(callers.iter().map(async |caller| {
        for round in 0..10 / at_once {
            join_all((0..at_once).map(|call| one_call(title, caller, round * at_once + call))).await;
        }
    }))
    .await;
    for caller in &callers {
        let wanted = (0..10).map(|number| nonce(caller, number));
        assert_eq!(counted(caller.asked.lock().clone()), counted(wanted), "{title} {}", caller.name);
    }
    assert_eq!(setup.bridge.status().upstreams[0].calls, 0, "{title}");
    assert_eq!(setup.bridge.status().upstreams[0].parked, 0, "{title}");
}

fn nonce(caller: &Caller, number: usize) -> String {
    format!("{number}@{}", caller.name)
}

async fn one_call(title: &str, caller: &Caller, number: usize) {
    let nonce = nonce(caller, number);
    let params = object(format!(r#"{{"name":"work","arguments":{{"nonce":"{nonce}"}}}}"#));
    let mut others = caller.client.notifications();
    let options = CallOptions::new().progress().log_level(LogLevel::Info);
    let options = options.envelope(Envelope::default().with(Nonce(nonce.clone())));
    let mut call = caller.client.call("tools/call", params, options);
    let mut heard = Vec::new();
    while let Some(notification) = call.next_notification().await {
        heard.push(notification);
    }
    let result = call.await.unwrap_or_else(|error| panic!("{title} {nonce}: {error}"));
    let result = text(result.raw());
    assert!(result.starts_with(&format!("{nonce} ")), "{title} {nonce}: {result}");
    assert!(result.contains(&format!(r#""said":"{nonce}""#)), "{title} {nonce}: {result}");
    // On a byte stream the client cannot tell whose log messages they are.
    while let Some(Some(notification)) = futures::FutureExt::now_or_never(others.next()) {
        heard.push(notification);
    }
    let progress = heard.iter().filter(|note| note.method == "notifications/progress").count();
    let logs = heard.iter().filter(|note| note.method == "notifications/message").count();
    assert_eq!((progress, logs, heard.len()), (3, 3, 6), "{title} {nonce}: {heard:?}");
    for notification in &heard {
        let params = notification.params.as_ref().unwrap().raw().to_string();
        assert!(params.contains(&nonce), "{title} {nonce}: {params}");
    }
}
