//! HTTP/2: many exchanges on one connection, against hyper's own server.

use std::convert::Infallible;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::join;
use tokio::sync::Notify;

use super::*;
use crate::net::HttpVersions;

pub(super) type Answering = http_body_util::combinators::BoxBody<Bytes, Infallible>;

pub(super) fn h2() -> Settings {
    settings(|c| c.net.versions = HttpVersions::Http2)
}

pub(super) fn whole(text: &'static str) -> Response<Answering> {
    Response::new(Full::new(Bytes::from_static(text.as_bytes())).boxed())
}

/// A body that never ends. The guard is dropped with it.
fn endless(guard: Arc<Notify>) -> Response<Answering> {
    struct Dropped(Arc<Notify>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    let guard = Dropped(guard);
    let stream = futures::stream::poll_fn(move |_| {
        let _ = &guard;
        std::task::Poll::<Option<Result<Frame<Bytes>, Infallible>>>::Pending
    });
    Response::new(BodyExt::boxed(StreamBody::new(SyncStream(Mutex::new(stream)))))
}

struct SyncStream<S>(Mutex<S>);

impl<S: futures::Stream + Unpin> futures::Stream for SyncStream<S> {
    type Item = S::Item;

    fn poll_next(
        self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<S::Item>> {
        std::pin::Pin::new(&mut *self.0.lock().unwrap()).poll_next(cx)
    }
}

/// Serves one connection until it is closed.
pub(super) async fn serve<F, A>(peer: Peer<DuplexStream>, streams: u32, answer: F)
where
    F: Fn(Request<Incoming>) -> A,
    A: Future<Output = Response<Answering>> + Send + 'static,
{
    let service = service_fn(|request| {
        let answer = answer(request);
        async { Ok::<_, Infallible>(answer.await) }
    });
    let mut builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    let _ = builder.max_concurrent_streams(streams).serve_connection(TokioIo::new(peer.io), service).await;
}

/// Calls at once share a connection; each has the whole URL and no `Host` beside it.
#[tokio::test]
async fn many_calls_share_one_connection() {
    let (net, mut server) = scripted(&h2());
    let client = async {
        let calls = (0..20).map(|_| read(&net, post("a")));
        assert!(futures::future::join_all(calls).await.into_iter().all(|text| text.unwrap() == "hello"));
        assert_eq!(net.open_connections(), 1);
        drop(net);
    };
    let played = async {
        let peer = server.accept().await;
        serve(peer, 200, |request| async move {
            assert_eq!(request.version(), Version::HTTP_2);
            assert_eq!(request.uri(), ENDPOINT);
            assert!(!request.headers().contains_key("host"));
            assert_eq!(request.into_body().collect().await.unwrap().to_bytes(), "a");
            whole("hello")
        })
        .await;
    };
    join!(client, played);
    assert!(!server.was_dialled());
}

/// The peer's limit is kept: what is beyond it goes over another connection.
#[tokio::test]
async fn the_peers_stream_limit_opens_another_connection() {
    let (net, mut server) = scripted(&h2());
    let client = async {
        assert_eq!(read(&net, post("first")).await.unwrap(), "hello");
        let calls = (0..5).map(|_| read(&net, post("a")));
        assert!(futures::future::join_all(calls).await.into_iter().all(|text| text.unwrap() == "hello"));
        assert_eq!(net.open_connections(), 3);
        drop(net);
    };
    let busiest = Arc::new(AtomicUsize::new(0));
    let gate = Arc::new(tokio::sync::Barrier::new(5));
    let played = async {
        let mut serving = Vec::new();
        for _ in 0..3 {
            let peer = server.accept().await;
            let (busiest, running, gate) =
                (Arc::clone(&busiest), Arc::new(AtomicUsize::new(0)), Arc::clone(&gate));
            serving.push(tokio::spawn(serve(peer, 2, move |request| {
                let (busiest, running, gate) =
                    (Arc::clone(&busiest), Arc::clone(&running), Arc::clone(&gate));
                async move {
                    busiest.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    if request.into_body().collect().await.unwrap().to_bytes() == "a" {
                        gate.wait().await;
                    }
                    running.fetch_sub(1, Ordering::SeqCst);
                    whole("hello")
                }
            })));
        }
        futures::future::join_all(serving).await;
    };
    join!(client, played);
    assert_eq!(busiest.load(Ordering::SeqCst), 2);
}

/// Giving up one exchange resets its stream; the connection continues.
#[tokio::test]
async fn a_dropped_body_resets_its_stream_only() {
    let (net, mut server) = scripted(&h2());
    let was_reset = Arc::new(Notify::new());
    let client = async {
        let answer = net.send(post("stay")).await.unwrap();
        drop(answer);
        was_reset.notified().await;
        assert_eq!(read(&net, post("a")).await.unwrap(), "hello");
        assert_eq!(net.open_connections(), 1);
        drop(net);
    };
    let played = async {
        let peer = server.accept().await;
        serve(peer, 10, |request| {
            let guard = Arc::clone(&was_reset);
            async move {
                match request.into_body().collect().await.unwrap().to_bytes() == "stay" {
                    true => endless(guard),
                    false => whole("hello"),
                }
            }
        })
        .await;
    };
    join!(client, played);
    assert!(!server.was_dialled());
}

/// The same for a call that is given up before its head.
#[tokio::test]
async fn a_dropped_send_resets_its_stream_only() {
    let (net, mut server) = scripted(&h2());
    let (arrived, left) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let client = async {
        tokio::select! {
            _ = net.send(post("stay")) => panic!("nobody answers"),
            () = arrived.notified() => {}
        }
        left.notified().await;
        assert_eq!(read(&net, post("a")).await.unwrap(), "hello");
        drop(net);
    };
    let played = async {
        let peer = server.accept().await;
        serve(peer, 10, |request| {
            let (arrived, left) = (Arc::clone(&arrived), Arc::clone(&left));
            async move {
                if request.into_body().collect().await.unwrap().to_bytes() == "stay" {
                    let answer = endless(left);
                    arrived.notify_one();
                    std::future::pending::<()>().await;
                    return answer;
                }
                whole("hello")
            }
        })
        .await;
    };
    join!(client, played);
}

/// After GOAWAY the running exchange ends well, and the next one goes over a new connection.
#[tokio::test]
async fn goaway_leads_to_a_new_connection() {
    let (net, mut server) = scripted(&h2());
    let (asked, asking) = (Notify::new(), Notify::new());
    let client = async {
        let first = async {
            let answer = net.send(post("a")).await.unwrap();
            text(answer).await.unwrap()
        };
        assert_eq!(first.await, "hello");
        asked.notify_one();
        asking.notified().await;
        assert_eq!(read(&net, post("b")).await.unwrap(), "hello");
        drop(net);
    };
    let played = async {
        let peer = server.accept().await;
        let service = service_fn(|_| async { Ok::<_, Infallible>(whole("hello")) });
        let mut connection = std::pin::pin!(
            hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(peer.io), service)
        );
        tokio::select! {
            _ = connection.as_mut() => panic!("nobody closed it"),
            () = asked.notified() => connection.as_mut().graceful_shutdown(),
        }
        let _ = connection.await;
        asking.notify_one();
        serve(server.accept().await, 10, |_| async { whole("hello") }).await;
    };
    join!(client, played);
}

/// The limits hold over HTTP/2 too.
#[tokio::test]
async fn limits_hold_over_http2() {
    let mut config = h2();
    config.net.response_headers = 1000;
    let (net, mut server) = scripted(&config);
    let client = async {
        let error = net.send(post("a")).await.unwrap().body.collect("body", 3).await.unwrap_err();
        assert!(matches!(error, HttpError::TooLarge { limit: 3, .. }), "{error}");
        let error = read(&net, post("long")).await.unwrap_err();
        assert!(matches!(error, HttpError::NotHttp { .. }), "{error:?}");
        assert_eq!(read(&net, post("a")).await.unwrap(), "hello");
        drop(net);
    };
    let played = async {
        let peer = server.accept().await;
        serve(peer, 10, |request| async move {
            let mut answer = whole("hello");
            if request.into_body().collect().await.unwrap().to_bytes() == "long" {
                let long = hyper::header::HeaderValue::from_str(&"x".repeat(2000)).unwrap();
                answer.headers_mut().insert("x-long", long);
            }
            answer
        })
        .await;
    };
    join!(client, played);
}

/// A stream that the server refused unseen is requested again; one that it reset otherwise is not.
#[tokio::test]
async fn only_a_refused_stream_is_tried_again() {
    let (net, mut server) = scripted(&h2());
    let client = async {
        assert_eq!(read(&net, post("a")).await.unwrap(), "hello");
        let error = read(&net, post("b")).await.unwrap_err();
        assert!(matches!(error, HttpError::Cut { .. }), "{error}");
        drop(net);
    };
    let played = async {
        let peer = server.accept().await;
        let mut connection = h2::server::handshake(peer.io).await.unwrap();
        let mut seen = 0;
        while let Some(Ok((_, mut respond))) = connection.accept().await {
            seen += 1;
            match seen {
                1 => respond.send_reset(h2::Reason::REFUSED_STREAM),
                2 => {
                    let mut stream = respond.send_response(Response::new(()), false).unwrap();
                    stream.send_data(Bytes::from_static(b"hello"), true).unwrap();
                }
                _ => respond.send_reset(h2::Reason::INTERNAL_ERROR),
            }
        }
        assert_eq!(seen, 3);
    };
    join!(client, played);
}

/// GOAWAY names the last stream that the server may have looked at: what came after it is sent again, over another
/// connection (RFC 9113, section 6.8).
#[tokio::test]
async fn what_goaway_leaves_out_is_sent_again() {
    let (net, mut server) = scripted(&h2());
    let client = async {
        assert_eq!(read(&net, post("a")).await.unwrap(), "hello");
        assert_eq!(read(&net, post("b")).await.unwrap(), "again");
        drop(net);
    };
    let played = async {
        let mut peer = server.accept().await;
        let mut preface = [0; 24];
        peer.io.read_exact(&mut preface).await.unwrap();
        // Our settings: none.
        peer.io.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await.unwrap();
        headers(&mut peer.io).await;
        // The answer to the first stream: `:status: 200`, then its body.
        peer.io.write_all(&[0, 0, 1, 1, 4, 0, 0, 0, 1, 0x88]).await.unwrap();
        peer.io.write_all(&[0, 0, 5, 0, 1, 0, 0, 0, 1]).await.unwrap();
        peer.io.write_all(b"hello").await.unwrap();
        assert_eq!(headers(&mut peer.io).await, 3);
        // GOAWAY: the last stream is the first one.
        peer.io.write_all(&[0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]).await.unwrap();
        let fresh = server.accept().await;
        serve(fresh, 10, |_| async { whole("again") }).await;
    };
    join!(client, played);
}

/// Skips frames up to the next HEADERS; its stream.
async fn headers(io: &mut DuplexStream) -> u32 {
    loop {
        let mut head = [0; 9];
        io.read_exact(&mut head).await.unwrap();
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        io.read_exact(&mut payload).await.unwrap();
        if head[3] == 1 {
            return u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        }
    }
}

/// A server that speaks HTTP/1.1 only cannot be reached by HTTP/2 only.
#[tokio::test]
async fn an_old_server_is_an_error() {
    let (net, mut server) = scripted(&h2());
    let client = async {
        let error = read(&net, post("a")).await.unwrap_err();
        assert!(!matches!(error, HttpError::TimedOut { .. }), "{error}");
    };
    let played = async {
        let mut peer = server.accept().await;
        peer.say("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
    };
    join!(client, played);
}

/// A peer that never sends its settings is not used: it is given up in time, before anything is sent, and closed.
#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_given_up_and_closed() {
    let (net, mut server) = scripted(&h2());
    let client = async {
        let error = read(&net, post("a")).await.unwrap_err();
        assert!(matches!(error, HttpError::TimedOut { step: crate::TimeoutStep::Connect, .. }), "{error}");
        assert_eq!(net.open_connections(), 0);
    };
    let played = async {
        let mut peer = server.accept().await;
        let mut said = Vec::new();
        peer.io.read_to_end(&mut said).await.unwrap();
        assert!(said.starts_with(b"PRI * HTTP/2.0"));
    };
    join!(client, played);
}

/// GOAWAY that our side sends says nothing of what the peer has processed: the request is not sent again.
#[tokio::test]
async fn our_own_goaway_does_not_repeat_a_request() {
    let (net, mut server) = scripted(&h2());
    let client = async {
        assert_eq!(read(&net, post("a")).await.unwrap(), "hello");
        let error = read(&net, post("b")).await.unwrap_err();
        assert!(matches!(error, HttpError::NotHttp { .. }), "{error:?}");
        drop(net);
    };
    let played = async {
        let mut peer = server.accept().await;
        let mut preface = [0; 24];
        peer.io.read_exact(&mut preface).await.unwrap();
        peer.io.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await.unwrap();
        headers(&mut peer.io).await;
        peer.io.write_all(&[0, 0, 1, 1, 4, 0, 0, 0, 1, 0x88]).await.unwrap();
        peer.io.write_all(&[0, 0, 5, 0, 1, 0, 0, 0, 1]).await.unwrap();
        peer.io.write_all(b"hello").await.unwrap();
        assert_eq!(headers(&mut peer.io).await, 3);
        // DATA on stream 0 is an error of the whole connection: our side answers with GOAWAY.
        peer.io.write_all(&[0, 0, 1, 0, 0, 0, 0, 0, 0, 0]).await.unwrap();
        let _ = peer.io.read_to_end(&mut Vec::new()).await;
    };
    join!(client, played);
    assert!(!server.was_dialled());
}
