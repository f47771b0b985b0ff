//! Handlers that are polled in the task of their link, and those that block their thread.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::Notify;

use super::{builder, object};
use crate::client::{Client, EraMode};
use crate::message::RawJson;
use crate::server::{Router, Server, ToolDef};
use crate::transport::{Binding, memory};

/// The tool `gate`, which blocks its thread if its arguments say so.
struct Gate {
    entered: Arc<Notify>,
    release: Sender<()>,
}

/// Far more calls than a tool needs to be known as quick.
const MANY: usize = 100;
/// Only a test that fails takes so long.
const STUCK: Duration = Duration::from_secs(60);

/// The task that polls the handler, as a result.
fn task() -> String {
    tokio::task::try_id().map(|id| id.to_string()).unwrap_or_default()
}

async fn start(spawn: bool) -> (Client, Gate) {
    let (release, released): (_, Receiver<()>) = channel();
    let (entered, released) = (Arc::new(Notify::new()), Arc::new(Mutex::new(released)));
    let gate = Gate { entered: entered.clone(), release };
    let router = Router::new()
        .tool(ToolDef::new("task"), async |_, _| Ok(task()))
        .tool(ToolDef::new("late"), async |_, _| {
            tokio::task::yield_now().await;
            Ok(task())
        })
        .tool(ToolDef::new("gate"), move |arguments: RawJson, _| {
            let (entered, released) = (entered.clone(), released.clone());
            async move {
                if arguments.member("block").is_some() {
                    entered.notify_one();
                    released.lock().unwrap().recv().unwrap();
                }
                Ok("through")
            }
        });
    let server = Server::builder("test", "1").spawn_handlers(spawn).build(router).unwrap();
    let (connector, listener) = memory::Pair::new(Binding::STREAM).connector();
    tokio::spawn(listener.serve(server));
    (builder(EraMode::Modern).connect(connector).await.unwrap(), gate)
}

async fn call(client: &Client, tool: &str, arguments: &str) -> String {
    let params = format!(r#"{{"name":"{tool}","arguments":{arguments}}}"#);
    let called = client.request("tools/call", object(&params));
    tokio::time::timeout(STUCK, called).await.expect("the link stands still").unwrap().raw().to_string()
}

/// How many different tasks many calls of this tool were served by.
async fn tasks(client: &Client, tool: &str) -> usize {
    let mut tasks = std::collections::HashSet::new();
    for _ in 0..MANY {
        tasks.insert(call(client, tool, "{}").await);
    }
    tasks.len()
}

/// With one thread every handler that is ready at once is served by the task of its link.
#[tokio::test]
async fn with_one_thread_only_handlers_that_wait_get_tasks() {
    let (client, _gate) = start(false).await;
    assert_eq!((tasks(&client, "task").await, tasks(&client, "late").await), (1, MANY));
    let (client, _gate) = start(true).await;
    assert_eq!(tasks(&client, "task").await, MANY);
}

/// A handler that blocks its thread stops neither its link nor other tools.
#[test]
fn a_handler_that_blocks_does_not_stop_its_link() {
    let runtime = Builder::new_multi_thread().worker_threads(4).enable_time().build().unwrap();
    runtime.block_on(async {
        // A tool that nothing is known of; and a tool that was quick, on a server whose handlers always get tasks.
        for (spawn, quick) in [(false, 0), (true, MANY)] {
            let (client, gate) = start(spawn).await;
            for _ in 0..quick {
                call(&client, "gate", "{}").await;
            }
            let blocked = client.clone();
            let blocked = tokio::spawn(async move { call(&blocked, "gate", r#"{"block":1}"#).await });
            gate.entered.notified().await;
            assert!(tasks(&client, "task").await >= 1);
            assert!(!blocked.is_finished());
            gate.release.send(()).unwrap();
            assert!(blocked.await.unwrap().contains("through"));
        }
    });
}
