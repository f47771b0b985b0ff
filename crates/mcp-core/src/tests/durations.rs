//! Durations of the drivers at their extremes: nothing overflows.

use std::sync::Arc;
use std::time::Duration;

use super::{KINDS, Seen, builder, object, router};
use crate::client::{CallOptions, PingPolicy, Reconnect};
use crate::server::Server;
use crate::transport::memory;

// More than an `Instant` can represent, and nearly as much.
const LONG: [Duration; 3] =
    [Duration::MAX, Duration::from_secs(u64::MAX), Duration::from_secs(i64::MAX as u64 - 100_000)];

#[tokio::test(start_paused = true)]
async fn enormous_durations_do_not_overflow() {
    for long in LONG {
        for (era, binding) in KINDS {
            let server = Server::builder("test server", "1")
                .grace(long)
                .write_timeout(long)
                .linger(long)
                .configure(|config| config.input_timeout = long)
                .build(router(&Arc::<Seen>::default()))
                .unwrap();
            let (connector, listener) = memory::Pair::new(binding).connector();
            tokio::spawn(listener.serve(server.clone()));
            let client = builder(era)
                .start_timeout(long)
                .call_timeout(long)
                .write_timeout(long)
                .ping(PingPolicy { interval: long, timeout: long, failures: 1 })
                .configure(|config| {
                    config.probe_timeout = long;
                    config.call_maximum = long;
                    config.input_timeout = long;
                })
                .reconnect(Reconnect::OnDemand { first: long, cap: long, tries: 1 })
                .connect(connector)
                .await
                .unwrap();
            let options = CallOptions { timeout: Some(long), maximum: Some(long), ..CallOptions::default() };
            client.call("x/echo", object(r#"{"say":1}"#), options).await.unwrap();
            client.close().await;
            assert!(server.drain(long).await, "{era:?} {}", binding.name);
        }
    }
}
