//! Two eras and two kinds of binding on each side: sixteen legs, each with ten callers, whose clients use the same request ids.

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
/// The clients of one caller, where all of them may call at once.
const CLIENTS: usize = 25;

/// One client of a caller.
struct Caller {
    name: String,
    client: Client,
    asked: Arc<Lock<Vec<String>>>,
}

// BR-04, BRIDGE 8 row 4: every notification, question and answer is seen by its caller, and by no other. All legs run at
// once: more than a thousand calls are in flight, and each client gives its first call the same id.
#[tokio::test(start_paused = true)]
async fn nothing_crosses() {
    let sides = || ERAS.into_iter().flat_map(|era| BINDINGS.map(|binding| (era, binding)));
    let legs = sides().flat_map(|down| sides().map(move |up| leg(down, up)));
    let at_once: usize = join_all(legs).await.into_iter().sum();
    assert!(at_once >= 1000, "{at_once}");
}

/// Runs one leg, and returns how many calls it had in flight.
async fn leg((down, front): (EraMode, Binding), (up, behind): (EraMode, Binding)) -> usize {
    let title = &format!("{down:?} {} -> {up:?} {}", front.name, behind.name);
    let setup = Setup::new(only(up), behind, Policy::PerCaller);
    // A byte stream does not say to which of several calls a log message or a question belongs.
    let (clients, calls) = if behind.continuous || front.continuous { (1, 10) } else { (CLIENTS, 1) };
    let callers = join_all((0..CALLERS * clients).map(async |number| {
        let name = format!("{}-caller", number % CALLERS);
        let asked = Arc::default();
        let client = answering(down, &asked);
        let client = client.connect(setup.connector(front, Some(&name))).await;
        let client = client.unwrap_or_else(|error| panic!("{title}: {error}"));
        if matches!(down, EraMode::Legacy(_)) {
            client.request("logging/setLevel", object(r#"{"level":"info"}"#)).await.unwrap();
        }
        Caller { name: format!("{name} {}", number / CALLERS), client, asked }
    }))
    .await;
    join_all(callers.iter().map(async |caller| {
        for number in 0..calls {
            one_call(title, caller, number).await;
        }
    }))
    .await;
    for caller in &callers {
        let wanted = (0..calls).map(|number| nonce(caller, number));
        assert_eq!(counted(caller.asked.lock().clone()), counted(wanted), "{title} {}", caller.name);
    }
    let status = &setup.bridge.status().upstreams[0];
    assert_eq!((status.calls, status.parked), (0, 0), "{title}");
    callers.len()
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
