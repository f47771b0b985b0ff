//! The kit passes transports that keep the promises, and skips checks that do not apply.

use bytes::Bytes;
use futures::StreamExt;
use futures::channel::mpsc;

use super::*;
use crate::fault::Dropping;
use mcp_core::message::ProtocolVersion;
use mcp_core::transport::framed::Framed;
use mcp_core::transport::{Accept, Connect, memory};

use std::sync::Arc;
use std::time::Duration;

/// One binding of each kind.
const BINDINGS: [Binding; 5] = [
    Binding::STREAM,
    Binding::new("exchanges").mirrors(true),
    Binding::STREAM.named("publish/subscribe").ordered(false),
    Binding::new("ordered exchanges").continuous(true).ordered(true),
    Binding::STREAM.named("discontinuous stream").continuous(false),
];

#[tokio::test(start_paused = true)]
async fn the_memory_pair_keeps_every_promise() {
    for binding in BINDINGS {
        // Capacity for one message each way, so that every send waits for the peer.
        let pair = memory::Pair::new(binding).capacity(1);
        let fixture = pairs(binding.name, || async { Ok(pair.link()) });
        run(&fixture).await.assert_passed();
    }
}

/// Links on demand, in the legacy dialect, which starts with a handshake.
struct Listening;

#[async_trait::async_trait]
impl Fixture for Listening {
    fn name(&self) -> &str {
        "memory, listening, legacy"
    }

    fn dialect(&self) -> Dialect {
        Dialect::Legacy(ProtocolVersion::V2025_11_25)
    }

    async fn live(&self) -> Option<usize> {
        Some(0)
    }

    async fn start(&self, server: Arc<dyn Accept>) -> Result<Box<dyn Connect>, Failure> {
        let (connector, listener) = memory::connector(BINDINGS[1]);
        tokio::spawn(listener.serve(server));
        Ok(Box::new(connector))
    }
}

#[tokio::test(start_paused = true)]
async fn a_listener_in_the_legacy_era_keeps_every_promise() {
    run(&Listening).await.assert_passed();
}

/// Frames of text, with a raw wire: batches and bad input are checked too.
struct Texts;

#[async_trait::async_trait]
impl Fixture for Texts {
    fn name(&self) -> &str {
        "texts"
    }

    async fn start(&self, server: Arc<dyn Accept>) -> Result<Box<dyn Connect>, Failure> {
        let (up, requests) = mpsc::channel::<Bytes>(2);
        let (down, replies) = mpsc::channel::<Bytes>(2);
        let link = Framed::server("texts", down, requests.map(Ok::<_, std::io::Error>));
        let client = Framed::client("texts", up, replies.map(Ok::<_, std::io::Error>));
        tokio::spawn(server.accept(Box::new(link)));
        Ok(Box::new(once(client)))
    }

    async fn wire(&self, server: Arc<dyn Accept>) -> Result<Option<Box<dyn Wire>>, Failure> {
        let (up, requests) = mpsc::channel::<Bytes>(2);
        let (down, replies) = mpsc::channel::<Bytes>(2);
        let link = Framed::server("texts", down, requests.map(Ok::<_, std::io::Error>));
        tokio::spawn(server.accept(Box::new(link)));
        Ok(Some(Box::new(WireEnd { up, down: replies })))
    }
}

#[tokio::test(start_paused = true)]
async fn text_frames_keep_every_promise() {
    let report = run(&Texts).await;
    report.assert_passed();
    let skipped: Vec<_> = report.skipped().map(|check| check.name).collect();
    let lanes = [
        "equal ids on two lanes are two calls",
        "a lane is over after its last message",
        "a message without a route is rejected at once",
    ];
    assert_eq!(skipped, lanes);
}

/// A driver may drop `recv` at every await point.
#[tokio::test(start_paused = true)]
async fn a_dropping_reader_is_within_the_contract() {
    let fixture = pairs("dropping", || async {
        let (client, server) = memory::pair(BINDINGS[1]);
        Ok((Dropping::new(client), Dropping::new(server)))
    });
    run(&fixture).await.assert_passed();
}

/// The promises that the report quotes are those of the contract, word for word.
#[test]
fn the_quoted_promises_are_those_of_the_contract() {
    let source = include_str!("../../../mcp-core/src/transport/mod.rs");
    let words = |text: &str| text.replace("//!", " ").split_whitespace().collect::<Vec<_>>().join(" ");
    let contract = words(source);
    for Promise { number, title, text, .. } in PROMISES {
        let quoted = format!("{number}. **{title}.** {text}");
        assert!(contract.contains(&quoted), "the contract says otherwise than: {quoted}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_report_is_readable() {
    let fixture =
        pairs("none", || async { Err::<(memory::End, memory::End), _>("the port is in use".into()) });
    let report = run_some(&fixture, |promise, _| promise == 8).await;
    let text = report.to_string();
    let all = "none: 0 passed, 6 failed, 0 skipped\nNo check got beyond this: the fixture did not start: the port is in use";
    assert!(text.starts_with(all), "{text}");
    assert!(
        text.contains("8. Closing: not reached\n   \"TransportSender::close is idempotent and bounded"),
        "{text}"
    );

    let torn = crate::broken::Flaw::TearsAtClient;
    let fixture = pairs("torn", || async move { Ok(crate::broken::pair(torn, torn.binding())) });
    let text = run_some(&fixture, |_, name| name.contains("dropped")).await.to_string();
    assert!(text.contains("7. Order: BROKEN\n   \"Messages keep their order within a lane"), "{text}");
    let failed = "   FAIL  recv loses nothing when dropped, at the client\n         seen: ";
    assert!(text.contains(failed) && text.contains("\n   usually: recv keeps what it has taken"), "{text}");

    let report =
        run_some(&Listening, |promise, name| promise < 3 || name.contains("vanishes")).await.to_string();
    assert!(
        report.contains("1. Minting: kept\n   pass  the server's lanes are fresh, or shared\n"),
        "{report}"
    );
    let skipped =
        "   skip  nothing hangs when the client vanishes\n         because a session of this binding";
    assert!(report.contains(skipped), "{report}");
    assert_eq!(pairs("p", || async { Ok(memory::pair(BINDINGS[0])) }).patience(Duration::ZERO).name(), "p");
}

/// Every promise over two channels, with a task in between that sends `Taken`.
#[tokio::test(start_paused = true)]
async fn laned_glue_keeps_every_promise() {
    use futures::SinkExt;
    use mcp_core::transport::lanes::{LaneFrame, Laned};

    let fixture = pairs("laned", || async {
        let (up, mut sent) = mpsc::channel::<LaneFrame<Vec<u8>>>(1);
        let (mut carry, requests) = mpsc::channel(1);
        let (down, answers) = mpsc::channel(1);
        let (tell, taken) = mpsc::unbounded();
        tokio::spawn(async move {
            while let Some(frame) = sent.next().await {
                let lane = frame.lane();
                if carry.send(Ok::<_, std::io::Error>(frame)).await.is_err() {
                    return;
                }
                // Requests ignore it.
                let _gone = tell.unbounded_send(LaneFrame::Taken { lane });
            }
        });
        let replies =
            futures::stream::select(answers.chain(futures::stream::once(async { LaneFrame::Close })), taken);
        let client = Laned::client("laned", up, replies.map(Ok::<_, std::io::Error>));
        Ok((client, Laned::server("laned", down, requests)))
    });
    run(&fixture).await.assert_passed();
    crate::conversation::run(&fixture).await.assert_passed();
}
