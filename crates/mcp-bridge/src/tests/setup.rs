//! A server behind a bridge, and clients in front of it.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use mcp_core::client::{Client, ClientBuilder, EraMode, InputContext};
use mcp_core::message::{ErrorObject, ProtocolVersion, RawJson};
use mcp_core::server::{Context, HandlerError, Reply, Router, Server, ToolDef, ToolReply};
use mcp_core::session::{Change, InputRequest, InputRequired, LogLevel};
use mcp_core::transport::{
    Accept, Binding, Envelope, Identity, Inbound, PeerEvidence, Transport, TransportError, TransportReceiver,
    TransportSender, memory,
};

use crate::lock::Lock;
use crate::{Bridge, Limits, Policy, Upstream};

pub(super) const LEGACY: EraMode = EraMode::Legacy(ProtocolVersion::V2025_11_25);

/// How HTTP looks from a session, over links that live on.
pub(super) const EXCHANGES: Binding = Binding::new("exchanges");

pub(super) fn raw(text: impl Into<String>) -> RawJson {
    RawJson::parse(text.into()).unwrap()
}

pub(super) fn object(text: impl Into<String>) -> Option<RawJson> {
    Some(raw(text))
}

/// The revisions of one era.
pub(super) fn only(era: EraMode) -> Vec<ProtocolVersion> {
    let modern = matches!(era, EraMode::Modern);
    ProtocolVersion::ALL.iter().copied().filter(|version| version.is_modern() == modern).collect()
}

/// What a test sees of the server.
#[derive(Default)]
pub(super) struct Seen {
    /// How many links it has served.
    pub(super) links: AtomicUsize,
    pub(super) cancelled: AtomicUsize,
    pub(super) running: AtomicUsize,
    /// Ends the links of the server, as a crash does.
    pub(super) kill: tokio::sync::Notify,
    /// The params of its requests, as they came.
    pub(super) params: Lock<Vec<String>>,
}

/// The tools of the server. `work` reports progress, logs, asks, and answers with everything that it heard.
pub(super) fn router(seen: &Arc<Seen>) -> Router {
    let (given, waiting, heard) = (seen.clone(), seen.clone(), seen.clone());
    Router::new()
        .tools_list_changed()
        .resources_list_changed()
        .subscribe()
        .logging()
        .tool(ToolDef::new("work"), |arguments, context| async move { work(&arguments, &context).await })
        .tool(ToolDef::new("change"), |_, context| async move {
            context.publish(Change::ToolsList);
            context.publish(Change::Resource { uri: "test:a".into() });
            Ok("changed")
        })
        .tool(ToolDef::new("wait"), move |_, context| {
            let seen = waiting.clone();
            async move {
                seen.running.fetch_add(1, Ordering::SeqCst);
                context.cancelled().await;
                seen.cancelled.fetch_add(1, Ordering::SeqCst);
                Ok("cancelled")
            }
        })
        .tool(ToolDef::new("who"), |_, context: Context| async move {
            Ok(format!(
                "{} {}",
                context.client_info().cloned().unwrap_or_default(),
                context.client_capabilities()
            ))
        })
        .tool(ToolDef::new("roots"), |_, context: Context| async move {
            Ok(format!("{:?}", context.roots().await?.into_iter().map(|root| root.uri).collect::<Vec<_>>()))
        })
        .resource_template(mcp_core::server::TemplateDef::new("test:{id}", "things"), |uri, _| async move {
            match uri.as_str() {
                "test:a" => Ok("a"),
                other => Err(HandlerError::from(ErrorObject::resource_not_found(other))),
            }
        })
        .method("x/echo", move |_, context: Context| {
            let params = context.params().cloned().unwrap_or_default();
            given.params.lock().push(params.to_string());
            async move { Ok(params.without_members(&["_meta"])) }
        })
        .method("x/raw", |_, _| async { Ok(Reply::Verbatim(Ok(raw(r#"{"odd":1.0,"resultType":"x/odd"}"#)))) })
        .method("x/refuse", |_, _| async { Ok(Reply::Verbatim(Err(ErrorObject::new(-32050, "mine")))) })
        .method("x/fail", |_, _| async {
            Err::<RawJson, _>(ErrorObject::new(-32050, "mine").with_data(raw("1.0")).into())
        })
        .method("x/note", move |_, context: Context| {
            let seen = heard.clone();
            async move {
                seen.params.lock().push(format!("{:?}", context.log_level()));
                context.log(LogLevel::Debug, None, raw("\"quiet\"")).await;
                context.log(LogLevel::Error, None, raw("\"loud\"")).await;
                Ok(RawJson::EMPTY_OBJECT)
            }
        })
}

async fn work(arguments: &RawJson, context: &Context) -> Result<ToolReply, HandlerError> {
    let nonce = arguments.member("nonce").and_then(|nonce| nonce.to_text()).unwrap_or_default();
    // Different for each call and step, the same in each run.
    let delay = |salt: usize| {
        let mut hasher = DefaultHasher::new();
        (&nonce, salt).hash(&mut hasher);
        Duration::from_millis(hasher.finish() % 50)
    };
    tokio::time::sleep(delay(1)).await;
    let Some(answers) = context.input_responses() else {
        for step in 1..=3 {
            context.progress(f64::from(step), Some(3.0), Some(&nonce)).await;
            tokio::time::sleep(delay(step as usize)).await;
            context.log(LogLevel::Warning, None, RawJson::string(&nonce)).await;
        }
        let form = RawJson::object([
            ("message", RawJson::string(&nonce)),
            ("requestedSchema", raw(r#"{"type":"object","properties":{}}"#)),
        ]);
        return Ok(InputRequired::ask("q", "elicitation/create", Some(form)).into());
    };
    Ok(ToolReply::text(&format!("{nonce} {answers}")))
}

/// Counts links, and ends them at a signal.
pub(super) struct Counting {
    pub(super) server: Server,
    pub(super) seen: Arc<Seen>,
}

#[async_trait]
impl Accept for Counting {
    async fn accept(self: Arc<Self>, link: Box<dyn Transport>) {
        self.seen.links.fetch_add(1, Ordering::SeqCst);
        tokio::select! {
            () = Arc::new(self.server.clone()).accept(link) => {}
            () = self.seen.kill.notified() => {}
        }
    }

    fn versions(&self) -> &[ProtocolVersion] {
        Accept::versions(&self.server)
    }
}

/// A server, the bridge in front of it, and what connects to the bridge.
pub(super) struct Setup {
    pub(super) seen: Arc<Seen>,
    pub(super) server: Server,
    pub(super) bridge: Bridge,
}

impl Setup {
    /// A server of these revisions behind a link of this binding.
    pub(super) fn new(versions: Vec<ProtocolVersion>, binding: Binding, policy: Policy) -> Setup {
        Setup::with(versions, binding, |upstream| upstream.policy(policy))
    }

    /// A server of these revisions over a byte stream, behind a bridge with other bounds.
    pub(super) fn limited(versions: Vec<ProtocolVersion>, change: impl FnOnce(&mut Limits)) -> Setup {
        Setup::made(versions, Binding::STREAM, |upstream| upstream, change)
    }

    /// The same with other settings of the upstream server.
    pub(super) fn with(
        versions: Vec<ProtocolVersion>,
        binding: Binding,
        change: impl FnOnce(Upstream) -> Upstream,
    ) -> Setup {
        Setup::made(versions, binding, change, |_| {})
    }

    pub(super) fn made(
        versions: Vec<ProtocolVersion>,
        binding: Binding,
        change: impl FnOnce(Upstream) -> Upstream,
        limits: impl FnOnce(&mut Limits),
    ) -> Setup {
        let seen = Arc::new(Seen::default());
        let server = Server::builder("upstream", "7").instructions("read me").versions(versions);
        let server = server.build(router(&seen)).unwrap();
        let (connector, listener) = memory::connector(binding);
        tokio::spawn(listener.serve(Counting { server: server.clone(), seen: seen.clone() }));
        let upstream = change(Upstream::new(move |_| connector.clone()));
        let bridge = Bridge::builder().upstream("it", upstream).limits(limits).build().unwrap();
        Setup { seen, server, bridge }
    }

    /// What connects to the bridge as this caller.
    pub(super) fn connector(&self, binding: Binding, caller: Option<&str>) -> memory::Connector {
        let (connector, listener) = memory::connector(binding);
        let front = Arc::new(self.bridge.front("it").unwrap());
        tokio::spawn(listener.serve(As { front, caller: caller.map(str::to_owned) }));
        connector
    }

    pub(super) async fn client(&self, era: EraMode, binding: Binding) -> Client {
        plain(era).connect(self.connector(binding, None)).await.unwrap()
    }
}

pub(super) fn plain(era: EraMode) -> ClientBuilder {
    Client::builder("downstream", "3").era(era)
}

/// What a call gives with it, and a question of it has to bring back.
pub(super) struct Nonce(pub(super) String);

/// A client that answers forms with the message, and remembers what it was asked. It refuses a question that came with
/// another call than the one that it is for.
pub(super) fn answering(era: EraMode, asked: &Arc<Lock<Vec<String>>>) -> ClientBuilder {
    let asked = asked.clone();
    let client = plain(era).capability("elicitation", RawJson::EMPTY_OBJECT);
    client.input_handler(move |request: InputRequest, context: InputContext| {
        let message = request.params.and_then(|params| params.member("message")).unwrap_or(RawJson::NULL);
        let text = message.to_text().unwrap_or_default();
        let strange = context.envelope.get::<Nonce>().is_some_and(|nonce| nonce.0 != text);
        asked.lock().push(text);
        async move {
            if strange {
                return Err(ErrorObject::internal("a question of another call"));
            }
            let content = RawJson::object([("said", message)]);
            Ok(RawJson::object([("action", RawJson::string("accept")), ("content", content)]))
        }
    })
}

/// Gives each message on its links to a caller, as a listener does that verifies its peers.
struct As {
    front: Arc<crate::Front>,
    caller: Option<String>,
}

#[async_trait]
impl Accept for As {
    async fn accept(self: Arc<Self>, link: Box<dyn Transport>) {
        match &self.caller {
            Some(caller) => {
                self.front.clone().accept(Box::new(Verified { link, caller: caller.clone() })).await
            }
            None => self.front.clone().accept(link).await,
        }
    }

    fn versions(&self) -> &[ProtocolVersion] {
        self.front.versions()
    }
}

struct Verified {
    link: Box<dyn Transport>,
    caller: String,
}

impl Transport for Verified {
    fn binding(&self) -> Binding {
        self.link.binding()
    }

    fn split(self: Box<Self>) -> (Box<dyn TransportSender>, Box<dyn TransportReceiver>) {
        let (sender, inner) = self.link.split();
        let envelope = Envelope::default().with(Identity::new(self.caller));
        (sender, Box::new(VerifiedReceiver { inner, envelope }))
    }

    fn evidence(&self) -> Option<PeerEvidence> {
        None
    }
}

struct VerifiedReceiver {
    inner: Box<dyn TransportReceiver>,
    envelope: Envelope,
}

#[async_trait]
impl TransportReceiver for VerifiedReceiver {
    async fn recv(&mut self) -> Result<Option<Inbound>, TransportError> {
        let inbound = self.inner.recv().await?;
        Ok(inbound.map(|inbound| inbound.with_envelope(self.envelope.clone())))
    }
}

/// The texts of a tool's result.
pub(super) fn text(result: &RawJson) -> String {
    let content = result.member("content").unwrap_or_default().elements();
    content.iter().filter_map(|item| item.member("text")?.to_text()).collect()
}

/// Counts equal items.
pub(super) fn counted(items: impl IntoIterator<Item = String>) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for item in items {
        *counts.entry(item).or_default() += 1;
    }
    counts
}
