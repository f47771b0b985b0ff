//! Tests of both drivers together: a client and a server over the in-memory pair, in both eras.

mod bounds;
mod calls;
mod close;
mod durations;
mod gateway;
mod in_place;
mod input;
mod links;
mod listens;
mod load;
pub(crate) mod rejecting;
mod turns;
mod unread;

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

use crate::client::{CallOptions, Client, ClientBuilder, EraMode};
use crate::message::{ProtocolVersion, RawJson};
use crate::server::{Context, Router, Server, ToolDef};
use crate::session::LogLevel;
use crate::transport::{Binding, memory};

/// A binding like HTTP, but over links that live on.
const EXCHANGES: Binding = Binding::new("exchanges");

/// What both eras have to do alike.
const KINDS: [(EraMode, Binding); 4] = [
    (EraMode::Auto, Binding::STREAM),
    (EraMode::Modern, Binding::STREAM),
    (EraMode::Legacy(ProtocolVersion::V2025_11_25), Binding::STREAM),
    (EraMode::Modern, EXCHANGES),
];

/// What the server's handlers did.
#[derive(Default)]
struct Seen {
    started: Notify,
    cancelled: Notify,
    running: AtomicUsize,
}

impl Seen {
    fn running(&self) -> usize {
        self.running.load(Ordering::SeqCst)
    }
}

fn router(seen: &Arc<Seen>) -> Router {
    let seen = seen.clone();
    Router::new()
        .tool(ToolDef::new("echo"), |arguments, _| async move { Ok(arguments.to_string()) })
        .tools_list_changed()
        .logging()
        .method("x/echo", |params, _| async move {
            Ok(RawJson::object([("said", params.member("say").unwrap_or(RawJson::NULL))]))
        })
        .method("x/progress", |params, context: Context| async move {
            let steps = params.member("steps").and_then(|steps| steps.deserialize::<u32>().ok()).unwrap_or(3);
            for step in 1..=steps {
                context.progress(f64::from(step), Some(f64::from(steps)), None).await;
            }
            context.log(LogLevel::Warning, None, RawJson::string("done")).await;
            Ok(RawJson::EMPTY_OBJECT)
        })
        .method("x/panic", |_, _| async {
            if true {
                panic!("no");
            }
            Ok(RawJson::EMPTY_OBJECT)
        })
        .method("x/wait", move |_, context| {
            let seen = seen.clone();
            async move {
                seen.running.fetch_add(1, Ordering::SeqCst);
                seen.started.notify_one();
                context.cancelled().await;
                seen.cancelled.notify_one();
                seen.running.fetch_sub(1, Ordering::SeqCst);
                pending::<()>().await;
                Ok(RawJson::EMPTY_OBJECT)
            }
        })
}

/// A server that serves every link of the connector.
fn serve(router: Router, pair: &memory::Pair) -> (Server, memory::Connector) {
    let server = Server::builder("test server", "1").build(router).unwrap();
    let (connector, listener) = pair.connector();
    tokio::spawn(listener.serve(server.clone()));
    (server, connector)
}

fn builder(era: EraMode) -> ClientBuilder {
    Client::builder("test client", "1").era(era)
}

/// A client that is ready, and the server on the other side.
async fn pair(seen: &Arc<Seen>, era: EraMode, binding: Binding) -> (Client, Server) {
    let (server, connector) = serve(router(seen), &memory::Pair::new(binding));
    (builder(era).connect(connector).await.unwrap(), server)
}

fn object(text: &str) -> Option<RawJson> {
    Some(RawJson::parse(text.to_owned()).unwrap())
}

fn with_progress() -> CallOptions {
    CallOptions { progress: true, log_level: Some(LogLevel::Info), ..CallOptions::default() }
}
