//! A cluster that accepts connections and answers nothing, so that calls about it take long.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Runs until it is dropped.
pub(super) struct Cluster {
    /// Its URL.
    pub(super) url: String,
    connections: Arc<AtomicUsize>,
    accepting: JoinHandle<()>,
}

impl Cluster {
    pub(super) async fn start() -> Cluster {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let connections = Arc::new(AtomicUsize::new(0));
        let accepting = tokio::spawn({
            let connections = Arc::clone(&connections);
            async move {
                let mut held = Vec::new();
                loop {
                    held.push(listener.accept().await.unwrap());
                    connections.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        Cluster { url, connections, accepting }
    }

    /// How many connections have come.
    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Waits until more have come than these.
    pub(super) async fn more_than(&self, connections: usize) {
        while self.connections() <= connections {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
