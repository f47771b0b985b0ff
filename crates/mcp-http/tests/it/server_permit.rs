//! What a caller may do: asked for every request in a body, and when its credentials expire.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use mcp_core::transport::{Identity, async_trait};
use mcp_http::server::{Authenticate, Denied, Operation, Peer, RequestHead};

use super::legacy_kit::{self, Bench, Client, LIST};
use super::server_kit::{Answer, Running, body, call, headers, http, plain, soon};
use super::server_modern::server;

/// Identifies all callers as one, for a while, notes each operation, and refuses those in the list.
#[derive(Default)]
struct Guard {
    seen: Mutex<Vec<String>>,
    refuses: &'static [&'static str],
    lasts: Option<Duration>,
    /// What `authenticate` answers.
    denied: Option<Denied>,
}

impl Guard {
    fn seen(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

#[async_trait]
impl Authenticate for Guard {
    async fn authenticate(&self, head: RequestHead<'_>) -> Result<Identity, Denied> {
        assert_eq!((head.peer, head.client_certificate), (Peer::Unknown, None));
        if let Some(denied) = &self.denied {
            return Err(denied.clone());
        }
        let ada = Identity::new("ada");
        Ok(match self.lasts {
            Some(lasts) => ada.with_expiry(SystemTime::now() + lasts),
            None => ada,
        })
    }

    async fn permit(&self, identity: &Identity, operation: &Operation<'_>) -> Result<(), Denied> {
        assert_eq!(identity.subject, "ada");
        let era = if operation.legacy { "legacy" } else { "modern" };
        let text = format!("{era} {} {}", operation.method, operation.name.unwrap_or("-"));
        let known = operation.params.map_or(0, |params| params.as_bytes().len());
        assert_eq!(known > 0, !matches!(operation.method, "tools/list" | "ping"), "{text}");
        let refused = self.refuses.contains(&operation.name.unwrap_or(operation.method));
        self.seen.lock().unwrap().push(text);
        if refused {
            return Err(Denied::forbidden(r#"Bearer error="insufficient_scope", scope="a b""#)
                .with_reason("the scope a is missing"));
        }
        Ok(())
    }
}

fn guarded(guard: Guard) -> (Arc<Guard>, Running) {
    let guard = Arc::new(guard);
    let running = Running::start(server(), |config| config.authenticate = Some(guard.clone()));
    (guard, running)
}

fn refused(answer: &Answer, id: serde_json::Value) {
    assert_eq!(answer.status, 403, "{answer:?}");
    assert_eq!(answer.header("www-authenticate"), Some(r#"Bearer error="insufficient_scope", scope="a b""#));
    let json = answer.json();
    assert_eq!((&json["id"], &json["error"]["message"]), (&id, &"the scope a is missing".into()));
}

/// AU-S-09: each modern request is judged by its body, after the headers that copy it.
#[tokio::test]
async fn modern_requests_are_permitted_one_by_one() {
    let (guard, running) = guarded(Guard { refuses: &["wait"], ..Guard::default() });
    assert_eq!(running.ask(call("1", "echo", "{}")).await.status, 200);
    refused(&running.ask(call("\"x\"", "wait", "{}")).await, "x".into());
    assert_eq!(running.ask(plain("1", "server/discover")).await.status, 200);
    assert_eq!(
        guard.seen(),
        ["modern tools/call echo", "modern tools/call wait", "modern server/discover -"]
    );
    // A header that names another tool is refused before.
    let lie = http(
        "POST /mcp",
        &headers("tools/call", Some("echo")),
        &body("1", "tools/call", r#""name":"wait","arguments":{}"#),
    );
    assert_eq!(running.ask(lie).await.code(), -32020);
    assert!(guard.seen().is_empty());
}

/// AU-S-09: legacy requests and the items of a batch too; one refusal refuses the batch, and nothing of it is executed.
#[tokio::test(start_paused = true)]
async fn legacy_requests_and_batches_are_permitted_item_by_item() {
    let guard = Arc::new(Guard { refuses: &["wait"], ..Guard::default() });
    let mut bench = Bench::with(|config| config.authenticate = Some(guard.clone()));
    bench.gate.add_permits(9);
    let client = Client::open(&bench, "2025-03-26", &[]).await;
    assert_eq!(guard.seen(), ["legacy initialize -"]);
    assert_eq!(client.ask(&bench, LIST).await.status, 200);
    refused(&client.ask(&bench, &legacy_kit::call(7, "wait", "{}")).await, 7.into());
    let read = r#"{"jsonrpc":"2.0","id":3,"method":"resources/subscribe","params":{"uri":"file:///a"}}"#;
    client.ask(&bench, read).await;
    assert_eq!(
        guard.seen(),
        ["legacy tools/list -", "legacy tools/call wait", "legacy resources/subscribe file:///a"]
    );
    let note = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#;
    let batch =
        format!("[{},{note},{}]", legacy_kit::call(1, "echo", "{}"), legacy_kit::call(2, "wait", "{}"));
    refused(&client.ask(&bench, &batch).await, serde_json::Value::Null);
    assert_eq!(guard.seen(), ["legacy tools/call echo", "legacy tools/call wait"]);
    assert!(bench.told.try_recv().is_err(), "nothing was executed");
}

/// Several challenges, a wait, and a reason for people.
#[tokio::test]
async fn a_refusal_says_all_that_it_knows() {
    let denied = Denied::unauthorized("DPoP algs=\"ES256\"").with_challenge("Bearer").with_challenge("a\nb");
    let (_, running) = guarded(Guard { denied: Some(denied), ..Guard::default() });
    let answer = running.ask(call("1", "echo", "{}")).await;
    let challenges: Vec<_> = answer.headers.iter().filter(|(name, _)| name == "www-authenticate").collect();
    let values: Vec<_> = challenges.iter().map(|(_, value)| value.as_str()).collect();
    assert_eq!((answer.status, values), (401, vec!["DPoP algs=\"ES256\"", "Bearer"]));
    let denied = Denied::unavailable(Duration::from_millis(2500));
    let (_, running) = guarded(Guard { denied: Some(denied), ..Guard::default() });
    let answer = running.ask(call("1", "echo", "{}")).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("3")));
    let message = answer.json()["error"]["message"].clone();
    assert_eq!(message, "credentials cannot be checked at the moment");
}

/// Whether this was 90 s ago. Credentials expire by the system's clock, which goes on while time is paused.
fn lasted(began: tokio::time::Instant) -> bool {
    (60..=90).contains(&began.elapsed().as_secs())
}

/// AU-S-12: a subscription ends with the credentials that opened it; so does the stream of a GET, and the session stays.
#[tokio::test(start_paused = true)]
async fn streams_end_when_the_credentials_expire() {
    let lasts = Some(Duration::from_secs(90));
    let (_, running) = guarded(Guard { lasts, ..Guard::default() });
    let mut raw = running.open();
    let text = body("1", "subscriptions/listen", r#""notifications":{"toolsListChanged":true}"#);
    raw.write(http("POST /mcp", &headers("subscriptions/listen", None), &text)).await;
    let began = tokio::time::Instant::now();
    let answer = soon_after(raw.answer()).await;
    assert_eq!(answer.status, 200);
    assert!(lasted(began), "{:?}", began.elapsed());
    assert!(answer.body.contains("notifications/subscriptions/acknowledged"), "{}", answer.body);

    let guard = Arc::new(Guard { lasts, ..Guard::default() });
    let bench = Bench::with(|config| config.authenticate = Some(guard.clone()));
    let client = Client::open(&bench, "2025-11-25", &[]).await;
    let began = tokio::time::Instant::now();
    let mut stream = client.listen(&bench, None).await;
    assert!(soon_after(stream.rest()).await.is_empty());
    assert!(lasted(began), "{:?}", began.elapsed());
    assert_eq!(client.ask(&bench, LIST).await.status, 200, "the session stays");
}

/// AU-S-12: an answer in progress may end.
#[tokio::test(start_paused = true)]
async fn answers_in_progress_outlive_the_credentials() {
    let guard = Arc::new(Guard { lasts: Some(Duration::from_secs(30)), ..Guard::default() });
    let mut bench = Bench::with(|config| config.authenticate = Some(guard.clone()));
    let client = Client::open(&bench, "2025-11-25", &[]).await;
    let mut stream = client.stream(&bench, &legacy_kit::call(1, "wait", r#"{"text":"late"}"#)).await;
    assert_eq!(bench.told().await, "began");
    tokio::time::sleep(Duration::from_secs(60)).await;
    bench.gate.add_permits(1);
    assert_eq!(soon(stream.message()).await.what(), "late");
}

/// What comes within an hour of paused time.
async fn soon_after<T>(event: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(3600), event).await.expect("it happens")
}
