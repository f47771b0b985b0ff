//! The settings of a client, with their defaults.

use std::time::Duration;

use crate::net::{Credentials, NetConfig};

/// The settings of a client.
///
/// Plain data: take the default and change fields.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HttpClientConfig {
    /// How connections are made: TLS, proxies, limits in time.
    pub net: NetConfig,
    /// What is sent with every request, to this server only.
    pub credentials: Credentials,
    /// The limits on what is read.
    pub limits: ClientLimits,
    /// How broken legacy streams are resumed.
    pub reconnect: ReconnectStreams,
    /// How long the DELETE that ends a legacy session may take on close.
    pub delete_timeout: Duration,
}

impl Default for HttpClientConfig {
    fn default() -> HttpClientConfig {
        HttpClientConfig {
            net: NetConfig::default(),
            credentials: Credentials::default(),
            limits: ClientLimits::default(),
            reconnect: ReconnectStreams::default(),
            delete_timeout: Duration::from_secs(5),
        }
    }
}

/// The limits on what a client reads, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientLimits {
    /// A JSON body.
    pub body: usize,
    /// One event of a stream.
    pub event: usize,
    /// What is kept of the body of a refusal.
    pub error_body: usize,
}

impl Default for ClientLimits {
    fn default() -> ClientLimits {
        ClientLimits { body: 16 << 20, event: 16 << 20, error_body: 64 << 10 }
    }
}

/// How a broken legacy stream is resumed: wait, then GET with the last event id.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct ReconnectStreams {
    /// The first wait.
    pub first: Duration,
    /// The factor between one wait and the next.
    pub factor: f64,
    /// The longest wait that the client chooses itself.
    pub cap: Duration,
    /// The number of attempts without a new event after which the stream is abandoned.
    pub tries: u32,
    /// The longest wait that a server may request by `retry` or `Retry-After`. If it requests more, the stream is
    /// abandoned.
    pub longest_retry: Duration,
}

impl Default for ReconnectStreams {
    fn default() -> ReconnectStreams {
        ReconnectStreams {
            first: Duration::from_secs(1),
            factor: 1.5,
            cap: Duration::from_secs(30),
            tries: 5,
            longest_retry: Duration::from_secs(300),
        }
    }
}
