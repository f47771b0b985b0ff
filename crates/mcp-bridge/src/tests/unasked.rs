//! Questions of a legacy server that belong to no request of a client.

use async_trait::async_trait;
use mcp_core::client::{EraMode, InputContext};
use mcp_core::message::{ErrorObject, RawJson, code};
use mcp_core::server::{Context, Handler, Reply, Server, ServerLink};
use mcp_core::session::InputRequest;
use mcp_core::transport::{Binding, memory};
use tokio::sync::mpsc;

use super::setup::{LEGACY, only, plain, raw};
use crate::{Bridge, Policy, Upstream};

const ROOTS: &str = r#"{"roots":[{"uri":"file:///home"}]}"#;

/// Gives the handles of its links away, and answers each call with the roots of its client.
struct Asking(mpsc::UnboundedSender<ServerLink>);

#[async_trait]
impl Handler for Asking {
    async fn handle(&self, context: Context) -> Result<Reply, ErrorObject> {
        let roots = context.request("roots/list", None).await;
        roots
            .map(|roots| Reply::Result(roots.into_raw()))
            .map_err(|error| ErrorObject::internal(error.to_string()))
    }

    fn capabilities(&self) -> RawJson {
        raw(r#"{"tools":{}}"#)
    }

    fn opened(&self, link: ServerLink) {
        let _gone = self.0.send(link);
    }
}

// BRIDGE 3: `roots/list` is answered with what this caller answered last, else with none; anything else is refused.
#[tokio::test(start_paused = true)]
async fn roots_outside_of_calls_are_those_that_the_caller_named_last() {
    for (policy, kept) in [(Policy::PerSession, ROOTS), (Policy::Shared, r#"{"roots":[]}"#)] {
        let (links, mut opened) = mpsc::unbounded_channel();
        let server = Server::builder("upstream", "1").versions(only(LEGACY)).build(Asking(links)).unwrap();
        let (connector, listener) = memory::connector(Binding::STREAM);
        tokio::spawn(listener.serve(server));
        let upstream = Upstream::new(move |_| connector.clone()).policy(policy);
        let bridge = Bridge::builder().upstream("it", upstream).build().unwrap();
        let (connector, listener) = memory::connector(super::setup::EXCHANGES);
        tokio::spawn(listener.serve(bridge.front("it").unwrap()));
        let client = plain(EraMode::Modern)
            .capability("roots", RawJson::EMPTY_OBJECT)
            .capability("elicitation", RawJson::EMPTY_OBJECT)
            .input_handler(|_: InputRequest, _: InputContext| async { Ok(raw(ROOTS)) });
        let client = client.connect(connector).await.unwrap();
        let link = opened.recv().await.unwrap();
        let roots = async || link.request("roots/list", None).await.unwrap().raw().to_string();
        assert_eq!(roots().await, r#"{"roots":[]}"#, "{policy:?}");
        let called = client.request("tools/call", Some(raw(r#"{"name":"any"}"#))).await.unwrap();
        assert!(called.raw().to_string().contains("file:///home"), "{policy:?}: {}", called.raw());
        assert_eq!(roots().await, kept, "{policy:?}");
        let form = raw(r#"{"message":"?","requestedSchema":{"type":"object","properties":{}}}"#);
        let refused = link.request("elicitation/create", Some(form)).await.unwrap_err();
        assert_eq!(refused.rpc().unwrap().code, code::METHOD_NOT_FOUND, "{policy:?}");
    }
}
