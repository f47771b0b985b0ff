//! A handler that seals its state: the same code in both eras.

use super::{Peer, server};
use crate::message::RawJson;
use crate::server::seal::{Key, MemoryUsedStates, Sealer};
use crate::server::{HandlerError, Router, Server, ToolDef, ToolReply};
use crate::session::InputRequired;
use crate::transport::{Binding, Envelope, Identity, memory};

#[derive(Clone)]
struct User(&'static str);

fn sealer() -> Sealer {
    Sealer::new(Key::from_bytes([7; 32]))
        .principal(|envelope| envelope.get::<User>().map(|user| user.0.as_bytes().to_vec()))
}

/// Tools that ask once and then return what they sealed.
fn booking(sealer: Sealer) -> Server {
    let tool = move |arguments: RawJson, context: crate::server::Context| {
        let sealer = sealer.clone();
        async move {
            let Some(state) = context.unseal(&sealer).await? else {
                let seat = arguments.member("seat").unwrap_or(RawJson::NULL);
                let state = context.seal(&sealer, seat.as_bytes())?;
                return Ok::<ToolReply, HandlerError>(
                    InputRequired::ask("sure", "roots/list", None).with_state(state).into(),
                );
            };
            Ok(format!("booked {}", String::from_utf8_lossy(&state)).into())
        }
    };
    server(Router::new().tool(ToolDef::new("book"), tool.clone()).tool(ToolDef::new("pay"), tool))
}

fn peer(server: &Server, user: &'static str) -> Peer {
    peer_of(server, Envelope::default().with(User(user)))
}

fn peer_of(server: &Server, envelope: Envelope) -> Peer {
    Peer::with(server, &memory::Pair::new(Binding::STREAM).envelope(envelope))
}

/// Calls a tool, and declares that the client has roots.
async fn call(peer: &mut Peer, params: &str) -> String {
    let meta = r#"{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"roots":{}}}"#;
    peer.send(&format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{{params},"_meta":{meta}}}}}"#
    ))
    .await;
    peer.text().await
}

async fn first(peer: &mut Peer) -> String {
    let reply = RawJson::parse(call(peer, r#""name":"book","arguments":{"seat":12}"#).await).unwrap();
    reply.member("result").and_then(|result| result.member("requestState")).unwrap().to_text().unwrap()
}

async fn retry(peer: &mut Peer, name: &str, seat: u32, state: &str) -> String {
    let answers = r#""inputResponses":{"sure":{"roots":[]}}"#;
    call(
        peer,
        &format!(r#""requestState":"{state}",{answers},"arguments":{{"seat":{seat}}},"name":"{name}""#),
    )
    .await
}

/// MRTR-S-007, MRTR-S-008: another user, another tool, other arguments, another text: always the same refusal.
#[tokio::test(start_paused = true)]
async fn a_state_comes_back_to_its_call_alone() {
    let server = booking(sealer());
    let (mut ann, mut bob) = (peer(&server, "ann"), peer(&server, "bob"));
    let state = first(&mut ann).await;
    assert!(retry(&mut ann, "book", 12, &state).await.contains("booked 12"));
    let refusal = retry(&mut bob, "book", 12, &state).await;
    assert!(refusal.contains("-32602") && !refusal.contains("booked"), "{refusal}");
    assert_eq!(retry(&mut ann, "pay", 12, &state).await, refusal);
    assert_eq!(retry(&mut ann, "book", 13, &state).await, refusal);
    assert_eq!(retry(&mut ann, "book", 12, "QUFBQQ").await, refusal);
    // Another replica with the same key opens it, although it kept nothing.
    let mut elsewhere = peer(&booking(sealer()), "ann");
    assert!(retry(&mut elsewhere, "book", 12, &state).await.contains("booked 12"));
}

// MRTR-S-008: the owner, and not the whole identity, so that a refreshed token still opens the state.
/// Without a function of the application, the owner of the identity is bound to a state.
#[tokio::test(start_paused = true)]
async fn a_state_belongs_to_the_owner_of_the_identity() {
    let server = booking(Sealer::new(Key::from_bytes([7; 32])));
    let of = |identity| peer_of(&server, Envelope::default().with::<Identity>(identity));
    let ann = || Identity::new("ann").with_issuer("https://login.example");
    let state = first(&mut of(ann().with_scopes(["read"]))).await;
    let refreshed = ann().with_scopes(["read", "write"]);
    assert!(retry(&mut of(refreshed), "book", 12, &state).await.contains("booked 12"));
    for other in [Identity::new("bob").with_issuer("https://login.example"), Identity::new("ann")] {
        let refusal = retry(&mut of(other), "book", 12, &state).await;
        assert!(refusal.contains("-32602") && !refusal.contains("booked"), "{refusal}");
    }
    let refusal = retry(&mut peer_of(&server, Envelope::default()), "book", 12, &state).await;
    assert!(refusal.contains("-32602"), "{refusal}");
}

/// MRTR-S-009: the second use is refused.
#[tokio::test(start_paused = true)]
async fn a_replay_is_refused() {
    let server = booking(sealer().single_use(MemoryUsedStates::new(100)));
    let mut ann = peer(&server, "ann");
    let state = first(&mut ann).await;
    assert!(retry(&mut ann, "book", 12, &state).await.contains("booked 12"));
    assert!(retry(&mut ann, "book", 12, &state).await.contains("-32602"));
}

/// MRTR-S-007: a legacy state stays in the process. It does not expire, and a state that a legacy client sends
/// is ignored.
#[tokio::test(start_paused = true)]
async fn a_legacy_state_never_leaves_the_process() {
    let server = booking(sealer().lifetime(std::time::Duration::ZERO));
    let mut peer = peer(&server, "ann");
    peer.initialize(r#"{"roots":{}}"#).await;
    peer.send(
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"book","arguments":{"seat":12},"requestState":"OTk"}}"#,
    )
    .await;
    let question = RawJson::parse(peer.text().await).unwrap();
    assert_eq!(question.member("method").unwrap().to_text().as_deref(), Some("roots/list"));
    assert!(!question.to_string().contains("requestState"));
    let id = question.member("id").unwrap();
    peer.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"roots":[]}}}}"#)).await;
    let reply = peer.text().await;
    assert!(reply.contains("booked 12"), "{reply}");
}
