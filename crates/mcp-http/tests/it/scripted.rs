//! Servers on loopback with scripted answers, which record their requests.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::HeaderMap;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;

/// A request, as the server received it.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    /// With the query.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    /// `null` if the body is not JSON.
    pub(crate) body: Value,
}

impl Asked {
    /// The method of the message.
    pub(crate) fn rpc(&self) -> &str {
        self.body["method"].as_str().unwrap_or_default()
    }

    /// In one line: `POST /mcp initialize`.
    pub(crate) fn line(&self) -> String {
        format!("{} {} {}", self.method, self.path, self.rpc()).trim_end().to_owned()
    }
}

/// An answer.
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: BoxStream<'static, Bytes>,
}

impl Answer {
    /// This status with a body that is not MCP.
    pub(crate) fn status(status: u16) -> Answer {
        Answer::new(status, "text/html", "<p>nothing to see")
    }

    /// A body with this content type.
    pub(crate) fn new(status: u16, kind: &str, body: impl Into<String>) -> Answer {
        let body = Bytes::from(body.into());
        Answer {
            status,
            headers: vec![("content-type", kind.to_owned())],
            body: futures::stream::iter([body]).boxed(),
        }
    }

    /// A JSON body.
    pub(crate) fn json(status: u16, body: &Value) -> Answer {
        Answer::new(status, "application/json", body.to_string())
    }

    /// A stream that begins with this text and then stays open.
    pub(crate) fn open_stream(text: impl Into<String>) -> Answer {
        let first = futures::stream::iter([Bytes::from(text.into())]);
        Answer {
            body: first.chain(futures::stream::pending()).boxed(),
            ..Answer::new(200, "text/event-stream", "")
        }
    }

    /// With one more header.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Answer {
        self.headers.push((name, value.to_owned()));
        self
    }
}

/// A server that runs until it is dropped.
pub(crate) struct Scripted {
    /// `http://127.0.0.1:PORT`
    pub(crate) origin: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Scripted {
    /// Answers every request with this function.
    pub(crate) async fn start(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Scripted {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (seen, answer) = (asked.clone(), Arc::new(answer));
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (seen, answer) = (seen.clone(), answer.clone());
                let service = service_fn(move |request: Request<Incoming>| {
                    let (seen, answer) = (seen.clone(), answer.clone());
                    async move {
                        let (parts, body) = request.into_parts();
                        let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
                        let asked = Asked {
                            method: parts.method,
                            path: parts.uri.to_string(),
                            headers: parts.headers,
                            body: serde_json::from_slice(&body).unwrap_or_default(),
                        };
                        let answer = answer(&asked);
                        seen.lock().unwrap().push(asked);
                        let mut response = Response::builder().status(answer.status);
                        for (name, value) in answer.headers {
                            response = response.header(name, value);
                        }
                        let frames = answer.body.map(|bytes| Ok::<_, Infallible>(Frame::data(bytes)));
                        Ok::<_, Infallible>(response.body(StreamBody::new(frames)).unwrap())
                    }
                });
                let server = hyper::server::conn::http1::Builder::new();
                connections.spawn(server.serve_connection(TokioIo::new(stream), service));
            }
        });
        Scripted { origin, asked, task }
    }

    /// The requests so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// The requests so far, one line each.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.asked().iter().map(Asked::line).collect()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.task.abort();
    }
}
