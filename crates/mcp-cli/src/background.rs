//! Blocking work on detached threads.
//!
//! The runtime's blocking pool is not used: a read of a terminal may never return, and the runtime would wait for
//! it when it shuts down.

use tokio::sync::oneshot;

/// Does `work` on a new thread. `None` if the thread cannot be started, or if `work` panics. Dropping the future
/// does not stop the thread; it ends with the process.
pub(crate) async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (sender, done) = oneshot::channel();
    let body = move || {
        // The receiver may have been dropped.
        let _unwanted = sender.send(work());
    };
    std::thread::Builder::new().name("mcp-aside".into()).spawn(body).ok()?;
    done.await.ok()
}
