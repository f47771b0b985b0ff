//! What the pool names of its neighbours, as small as it can be.

use std::sync::Arc;

/// As in mcp-http.
#[derive(Debug)]
#[allow(dead_code)]
pub(crate) enum HttpError {
    Connect { to: String, kind: ConnectFailure, source: Arc<std::io::Error> },
    TimedOut { step: TimeoutStep, limit: std::time::Duration, came: Option<Arc<str>> },
}

/// As in mcp-http.
#[derive(Debug)]
pub(crate) enum ConnectFailure {
    Network,
}

/// As in mcp-http.
#[derive(Debug)]
pub(crate) enum TimeoutStep {
    Connect,
}

pub(crate) mod config {
    #[derive(Clone, Copy, PartialEq, Eq)]
    pub(crate) enum HttpVersions {
        Auto,
        Http2,
    }

    pub(crate) struct NetConfig {
        pub(crate) versions: HttpVersions,
        pub(crate) timeouts: Timeouts,
        pub(crate) response_headers: usize,
    }

    #[derive(Default)]
    pub(crate) struct Timeouts {
        pub(crate) connect: Option<std::time::Duration>,
    }
}

pub(crate) mod origin {
    pub(crate) struct Origin {
        pub(crate) https: bool,
    }

    impl Origin {
        pub(crate) fn label(&self) -> String {
            "model".to_owned()
        }
    }
}

pub(crate) mod failure {
    pub(crate) fn text(error: &hyper::Error) -> String {
        error.to_string()
    }
}

pub(crate) mod dial {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::{ConnectFailure, HttpError, origin::Origin};

    /// Opens connections of one kind.
    #[derive(Clone)]
    pub(crate) struct Dialler {
        pub(crate) h2: bool,
        /// The number of attempts that fail at first.
        pub(crate) failures: usize,
        pub(crate) dials: Arc<AtomicUsize>,
    }

    pub(crate) struct Stream;

    pub(crate) struct Dialled {
        pub(crate) stream: Stream,
        pub(crate) h2: bool,
    }

    impl Dialler {
        pub(crate) async fn dial(&self, _origin: &Origin) -> Result<Dialled, HttpError> {
            let earlier = self.dials.fetch_add(1, Ordering::SeqCst);
            shuttle::future::yield_now().await;
            if earlier < self.failures {
                let source = Arc::new(std::io::ErrorKind::ConnectionRefused.into());
                return Err(HttpError::Connect { to: String::new(), kind: ConnectFailure::Network, source });
            }
            Ok(Dialled { stream: Stream, h2: self.h2 })
        }
    }
}

pub(crate) mod connection {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicUsize as Count, Ordering};

    use tokio::time::Instant;

    use super::dial::Stream;
    use crate::sync::AtomicUsize;

    pub(crate) struct Counted(Arc<AtomicUsize>);

    impl Counted {
        pub(crate) fn new(count: &Arc<AtomicUsize>) -> Counted {
            count.fetch_add(1, Ordering::Relaxed);
            Counted(Arc::clone(count))
        }
    }

    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::Relaxed);
        }
    }

    pub(crate) struct Http1 {
        _counted: Counted,
    }

    impl Http1 {
        pub(crate) async fn open(_: Stream, _: usize, counted: Counted) -> Result<Box<Http1>, hyper::Error> {
            Ok(Box::new(Http1 { _counted: counted }))
        }

        pub(crate) fn is_reusable(&mut self) -> bool {
            true
        }
    }

    pub(crate) struct Http2 {
        /// How many streams it allows at once.
        streams: Count,
        open: AtomicBool,
        _counted: Counted,
    }

    impl Http2 {
        pub(crate) async fn open(_: Stream, _: usize, counted: Counted) -> Result<Arc<Http2>, hyper::Error> {
            shuttle::future::yield_now().await;
            Ok(Arc::new(Http2 { streams: Count::new(9), open: true.into(), _counted: counted }))
        }

        pub(crate) fn take(self: &Arc<Self>) -> Option<Slot> {
            let less = |streams: usize| streams.checked_sub(1);
            self.streams.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).ok()?;
            Some(Slot(Arc::clone(self)))
        }

        pub(crate) fn is_open(&self) -> bool {
            self.open.load(Ordering::SeqCst)
        }

        pub(crate) fn idle_since(&self) -> Option<Instant> {
            None
        }
    }

    pub(crate) struct Slot(Arc<Http2>);

    impl Slot {
        /// Which connection it is on.
        pub(crate) fn connection(&self) -> *const () {
            Arc::as_ptr(&self.0).cast()
        }

        /// The server ends the connection.
        pub(crate) fn goes_away(&self) {
            self.0.open.store(false, Ordering::SeqCst);
        }
    }
}
