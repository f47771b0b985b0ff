//! The listener: each hello is a link.

use std::sync::Arc;

use futures::StreamExt;
use mcp_core::transport::Accept;
use redis::aio::{MultiplexedConnection, PubSubStream};
use redis::{AsyncCommands, RedisError};
use tokio::task::JoinSet;

use crate::link::{Link, READY, Side};

/// Peers that are served at the same time; one more waits.
const MAX_LINKS: usize = 1024;

/// Serves a service.
pub struct RedisServer {
    redis: redis::Client,
    publish: MultiplexedConnection,
    hellos: PubSubStream,
    service: String,
}

impl RedisServer {
    /// Subscribes to the hellos of this service, so that clients find it.
    ///
    /// # Errors
    ///
    /// Those of Redis.
    pub async fn bind(redis: redis::Client, service: &str) -> Result<RedisServer, RedisError> {
        let publish = redis.get_multiplexed_async_connection().await?;
        let mut hellos = redis.get_async_pubsub().await?;
        hellos.subscribe(format!("{service}:hello")).await?;
        Ok(RedisServer { redis, publish, hellos: hellos.into_on_message(), service: service.to_owned() })
    }

    /// Hands every link to `accept`, until Redis is gone or the future is dropped; then the links are dropped too.
    pub async fn serve(mut self, accept: Arc<dyn Accept>) {
        let mut links = JoinSet::new();
        while let Some(hello) = self.hellos.next().await {
            while links.try_join_next().is_some() {}
            if links.len() >= MAX_LINKS {
                links.join_next().await;
            }
            let Ok(number) = hello.get_payload::<u64>() else { continue };
            let name = format!("{}:{number}", self.service);
            let (redis, mut publish, accept) = (self.redis.clone(), self.publish.clone(), accept.clone());
            links.spawn(async move {
                let link = Link::open(&redis, publish.clone(), name.clone(), Side::Server).await;
                // A link that cannot be opened is given up: the client has its own limit.
                let Ok(link) = link else { return };
                let told: Result<usize, _> = publish.publish(format!("{name}:down"), READY).await;
                if told.is_ok_and(|clients| clients > 0) {
                    accept.accept(Box::new(link)).await;
                }
            });
        }
    }
}
