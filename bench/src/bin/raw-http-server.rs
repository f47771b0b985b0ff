//! The yardstick of HTTP servers: raw hyper that parses three fields of a body, answers, and checks nothing.

use std::convert::Infallible;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use mcp_bench::{Arguments, Outcome, http, run, wire};
use tokio::net::TcpListener;

fn main() -> Outcome {
    let arguments = Arguments::read()?;
    run(&arguments, async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        http::announce(listener.local_addr()?);
        let serve = async {
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                // Without it a kept connection waits for the peer's acknowledgements.
                let _set = stream.set_nodelay(true);
                tokio::spawn(
                    http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer)),
                );
            }
        };
        tokio::select! {
            () = serve => Ok(()),
            () = http::stdin_closed() => Ok(()),
        }
    })
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let Ok(body) = request.into_body().collect().await.map(http_body_util::Collected::to_bytes) else {
        return Ok(status(StatusCode::BAD_REQUEST));
    };
    let Ok(call) = serde_json::from_slice::<wire::Call<'_>>(&body) else {
        return Ok(status(StatusCode::BAD_REQUEST));
    };
    let Some(id) = call.id else { return Ok(status(StatusCode::ACCEPTED)) };
    let mut text = Vec::with_capacity(body.len());
    if wire::write_answer(&call, id, &mut text).is_err() {
        return Ok(status(StatusCode::INTERNAL_SERVER_ERROR));
    }
    let mut response = Response::new(Full::new(text.into()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

fn status(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}
