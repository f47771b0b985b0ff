//! Blocking work on threads that nobody waits for.
//!
//! Not on the runtime's blocking pool: a read of a terminal that never returns would hold up the end of the
//! runtime, and with it the end of the server.

use tokio::sync::oneshot;

/// Does `work` on a thread of its own. `None` if there is no thread to be had, or if it panicked. A dropped
/// future leaves the thread alone; it ends with the process.
pub(crate) async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (sender, done) = oneshot::channel();
    let body = move || {
        // Nobody may be waiting any more.
        let _unwanted = sender.send(work());
    };
    std::thread::Builder::new().name("mcp-aside".into()).spawn(body).ok()?;
    done.await.ok()
}
