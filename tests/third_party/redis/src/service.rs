//! How a link is made: the client publishes a hello, the server subscribes to its channels and reports that it is ready.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use mcp_core::transport::{Accept, Connect, ConnectError, Transport, async_trait};
use redis::aio::PubSubStream;
use redis::{AsyncCommands, Client, ErrorKind, RedisError};
use tokio::task::JoinSet;

use crate::link;

/// The time limit of a connect, including the server's answer.
const CONNECT: Duration = Duration::from_secs(5);
/// The number of peers that are served at the same time; further ones wait.
const MAX_LINKS: usize = 1024;

/// Connects to the server of a service on this Redis.
pub struct RedisClient {
    redis: Client,
    service: String,
}

impl RedisClient {
    /// A client of this service. The name must not contain `*`, `?`, `[` or `\`, because Redis matches by pattern.
    pub fn new(redis: Client, service: impl Into<String>) -> RedisClient {
        RedisClient { redis, service: service.into() }
    }

    async fn open(&self) -> Result<impl Transport, RedisError> {
        let mut redis = self.redis.get_multiplexed_async_connection().await?;
        let number: usize = redis.incr(format!("{}:links", self.service), 1).await?;
        let (own, peer) =
            (format!("{}:{number}:down", self.service), format!("{}:{number}:up", self.service));
        let reader = link::open(&self.redis, own, peer).await?;
        match redis.publish(format!("{}:hello", self.service), number).await? {
            1 => reader.link(&self.redis, true).await,
            servers => Err((ErrorKind::Io, "not one server but", servers.to_string()).into()),
        }
    }
}

#[async_trait]
impl Connect for RedisClient {
    async fn connect(&mut self) -> Result<Box<dyn Transport>, ConnectError> {
        let opened = tokio::time::timeout(CONNECT, self.open()).await;
        let link = opened.map_err(|_| ConnectError::timed_out(CONNECT))?;
        Ok(Box::new(link.map_err(ConnectError::unreachable)?))
    }
}

/// The server of a service. It is subscribed to the hellos of its clients.
pub struct RedisServer {
    redis: Client,
    service: String,
    hellos: PubSubStream,
}

impl RedisServer {
    /// Subscribes to the hellos of this service, so that clients can connect.
    ///
    /// # Errors
    ///
    /// Those of Redis.
    pub async fn bind(redis: Client, service: &str) -> Result<RedisServer, RedisError> {
        let mut hellos = redis.get_async_pubsub().await?;
        hellos.subscribe(format!("{service}:hello")).await?;
        Ok(RedisServer { redis, service: service.to_owned(), hellos: hellos.into_on_message() })
    }

    /// Passes every link to `accept`, until Redis is gone or the future is dropped; then the links are dropped too.
    pub async fn serve(mut self, accept: impl Accept) {
        let accept = Arc::new(accept);
        let mut links = JoinSet::new();
        while let Some(hello) = self.hellos.next().await {
            while links.try_join_next().is_some() {}
            if links.len() >= MAX_LINKS {
                links.join_next().await;
            }
            let Ok(number) = hello.get_payload::<u64>() else { continue };
            let (redis, accept) = (self.redis.clone(), accept.clone());
            let (own, peer) =
                (format!("{}:{number}:up", self.service), format!("{}:{number}:down", self.service));
            links.spawn(async move {
                // A link that cannot be opened is dropped: the client has a time limit.
                let Ok(mut reader) = link::open(&redis, own, peer).await else { return };
                if let (Ok(()), Ok(link)) =
                    (reader.peer.put("0", b"r").await, reader.link(&redis, false).await)
                {
                    accept.accept(Box::new(link)).await;
                }
            });
        }
    }
}
