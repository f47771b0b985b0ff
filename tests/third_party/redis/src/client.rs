//! The client: a link of its own for each connect.

use std::time::Duration;

use futures::StreamExt;
use mcp_core::transport::{Connect, ConnectError, Transport, TransportError, async_trait};
use redis::{AsyncCommands, ErrorKind, RedisError};

use crate::link::{Link, Side};
use crate::trouble;

/// How long a connect may take, the server's answer included.
const CONNECT: Duration = Duration::from_secs(5);

/// Connects to whoever serves a service on this Redis.
#[derive(Clone, Debug)]
pub struct RedisClient {
    redis: redis::Client,
    service: String,
}

impl RedisClient {
    /// Will look for this service. The name may hold no `*`, `?`, `[` or `\`: Redis matches by pattern.
    pub fn new(redis: redis::Client, service: impl Into<String>) -> RedisClient {
        RedisClient { redis, service: service.into() }
    }

    async fn open(&self) -> Result<Link, RedisError> {
        let mut publish = self.redis.get_multiplexed_async_connection().await?;
        let number: u64 = publish.incr(format!("{}:links", self.service), 1).await?;
        let name = format!("{}:{number}", self.service);
        let mut link = Link::open(&self.redis, publish.clone(), name, Side::Client).await?;
        let heard: usize = publish.publish(format!("{}:hello", self.service), number).await?;
        if heard != 1 {
            let what = if heard == 0 { "nobody serves it" } else { "several serve it" };
            return Err((ErrorKind::Client, "this service cannot be used", what.to_owned()).into());
        }
        // The server has subscribed before it says so: nothing that is sent now can be missed.
        match link.stream.next().await {
            Some(_ready) => Ok(link),
            None => Err((ErrorKind::Io, "the subscription ended").into()),
        }
    }
}

#[async_trait]
impl Connect for RedisClient {
    async fn connect(&mut self) -> Result<Box<dyn Transport>, ConnectError> {
        match tokio::time::timeout(CONNECT, self.open()).await {
            Ok(Ok(link)) => Ok(Box::new(link)),
            Ok(Err(error)) if error.kind() == ErrorKind::AuthenticationFailed => {
                Err(ConnectError::Unauthorized(TransportError::new(error)))
            }
            Ok(Err(error)) => Err(ConnectError::Unreachable(TransportError::new(error))),
            Err(_) => Err(ConnectError::Unreachable(trouble("the server did not answer"))),
        }
    }
}
