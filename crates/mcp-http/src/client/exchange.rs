//! One POST from its first byte to its last: a request and its answer, or a message that expects none.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::HeaderMap;
use mcp_core::message::{Decoded, Message, Refusal, Response, Shape, decode};
use mcp_core::transport::{Inbound, Lane, LossKind, ServerStream};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::answer::{self, Meaning};
use super::came::Watch;
use super::departure::Departure;
use super::link_state::{LinkState, Mode, session_id};
use super::post::{Post, What};
use super::reopen::Resuming;
use super::stream::{Cursor, Events, drain, read_refusal};
use super::{http_sse, standalone, unreadable};
use crate::error::{NotMcp, Refused};
use crate::net::{Answer, Exchange};
use crate::{HttpError, TimeoutStep, media};

/// What is wrong with a request that is only acknowledged.
const ACCEPTED_ONLY: &str = "accepted, but not answered";

/// The end of a relayed stream.
pub(super) enum Relayed {
    /// The lane has its answer.
    Settled,
    /// The stream ended before the answer, for this reason.
    Cut(HttpError),
}

/// Sends a request and delivers its answer.
///
/// There is one such future per call, so rare paths are boxed and large values are borrowed: both would make every
/// future larger.
pub(super) async fn request(link: &Arc<LinkState>, lane: Lane, post: &Post, exchange: &mut Exchange) {
    if let Mode::HttpSse(endpoint) = link.mode() {
        exchange.url = Some(endpoint);
        return Box::pin(http_sse::request(link, lane, post, exchange)).await;
    }
    let mut answer = match link.net.send(&*exchange).await {
        Ok(answer) => answer,
        Err(error) => return lose(link, lane, error),
    };
    if !answer.status.is_success() {
        return Box::pin(refused(link, lane, post, *answer, exchange)).await;
    }
    // The answer may be long in coming.
    exchange.body = Bytes::new();
    let is_json = media::is_json(&answer.headers);
    if !is_json && media::is_event_stream(&answer.headers) {
        return Box::pin(events(link, lane, post, *answer)).await;
    }
    let headers = &answer.headers;
    // Some servers send the reply with 202.
    let is_accepted = matches!(answer.status, StatusCode::ACCEPTED | StatusCode::NO_CONTENT);
    let meaning = if is_json {
        let mut watch = Watch::new(&link.came, lane, post.method.as_str(), headers);
        let limit = link.config.limits.body;
        match answer.body.collect_watched("HTTP reply body", limit, |so_far| watch.waits(so_far)).await {
            Ok(body) if is_accepted && body.is_empty() => {
                answer::not_mcp(&post.method, ACCEPTED_ONLY, headers, &body)
            }
            Ok(body) => {
                if is_accepted {
                    link.departures.warn_once(Departure::AnsweredByAccepted);
                }
                answer::json(&post.method, headers, body)
            }
            Err(error) => Meaning::Lost(answer::lost(error.with_came(|| watch.noted()))),
        }
    } else if is_accepted {
        answer::not_mcp(&post.method, ACCEPTED_ONLY, headers, &[])
    } else {
        let body = Box::pin(answer.body.clip(link.config.limits.error_body)).await;
        let why = "neither application/json nor text/event-stream";
        answer::not_mcp(&post.method, why, headers, body.as_bytes())
    };
    settle(link, lane, post, &answer.headers, meaning);
}

/// A status outside 2xx. `initialize` is sent a second time where the server may speak HTTP+SSE.
async fn refused(link: &Arc<LinkState>, lane: Lane, post: &Post, answer: Answer, exchange: &mut Exchange) {
    let status = answer.status;
    let meaning = refusal(link, answer, post).await;
    if post.what == What::Initialize && http_sse::may_be(status, &meaning) {
        match http_sse::find(link).await {
            Ok(endpoint) => {
                exchange.url = Some(endpoint);
                return http_sse::request(link, lane, post, exchange).await;
            }
            // An error in JSON-RPC says more than a stream that is none.
            Err(Some(why)) if let Meaning::Lost(loss) = &meaning => {
                let loss = http_sse::no_endpoint(link, why, loss);
                return link.settle(lane, answer::inbound(lane, loss));
            }
            Err(_) => {}
        }
    }
    settle(link, lane, post, &HeaderMap::new(), meaning);
}

/// What a status outside 2xx means for this POST. Notes that the session is gone, if it is.
pub(super) async fn refusal(link: &LinkState, answer: Answer, post: &Post) -> Meaning {
    let refused = read(link, answer, post).await;
    let meaning = answer::refusal(refused, post.session.id.is_some());
    if let (Meaning::Lost(loss), Some(id)) = (&meaning, &post.session.id)
        && matches!(loss.kind, LossKind::SessionLost { .. })
    {
        link.session_lost(id);
    }
    meaning
}

/// A status outside 2xx with its body, and what it answers.
async fn read(link: &LinkState, answer: Answer, post: &Post) -> Refused {
    let mut refused = read_refusal(answer, link.config.limits.error_body).await;
    refused.method = post.method.as_str().to_owned();
    refused.proxy = link.net.proxy().map(str::to_owned);
    refused
}

/// Opens the server's own stream beside everything else; no message waits for it.
fn open_own_stream(link: &Arc<LinkState>, post: &Post, mode: &Mode) {
    match mode {
        _ if post.modern => {}
        Mode::Streamable => {
            link.launch_stream(Box::pin(standalone::run(link.clone(), post.session.clone())));
        }
        // Its one stream is open.
        Mode::HttpSse(_) => standalone::tell(link, ServerStream::Open { gap: false }),
    }
}

/// Hands over what settles a request.
pub(super) fn settle(link: &LinkState, lane: Lane, post: &Post, headers: &HeaderMap, meaning: Meaning) {
    match meaning {
        Meaning::Answer(response) => respond(link, lane, post, headers, response),
        Meaning::Refused(refusal) => link.settle(lane, Inbound::refused(refusal, lane)),
        Meaning::Lost(loss) => link.settle(lane, answer::inbound(lane, loss)),
        Meaning::Batch(items) => {
            link.push(Inbound::batch(items, lane));
            // If this lane's answer was in it, nobody waits for this any more.
            let error = NotMcp::new(post.method.as_str(), "an array without the answer");
            lose(link, lane, HttpError::NotMcp(Arc::new(error)));
        }
    }
}

fn lose(link: &LinkState, lane: Lane, error: HttpError) {
    link.settle(lane, answer::inbound(lane, answer::lost(error)));
}

/// Hands over the answer to a request, and learns from it what a binding has to know.
fn respond(link: &LinkState, lane: Lane, post: &Post, headers: &HeaderMap, response: Response) {
    let response = match post.what {
        What::Initialize => {
            if let Ok(result) = &response.outcome {
                link.adopt_session(result, headers.get(crate::headers::SESSION_ID));
            }
            response
        }
        What::ToolsList if post.modern => link.tools.learn(response),
        _ => response,
    };
    let message = Message::Response(response);
    link.settle(lane, Inbound::message(message, lane));
}

/// A request that is answered by a stream. A legacy one is resumed where it breaks, however it began; a modern
/// one is lost with its stream.
// RES-C-003; SSE-C-011, T-27.
async fn events(link: &Arc<LinkState>, lane: Lane, post: &Post, answer: Answer) {
    let Answer { headers, mut body, .. } = answer;
    if post.what == What::Listen {
        // It owes nothing but what happens.
        body.may_be_silent();
    }
    let mut events = Events::of(link, body);
    let mut cursor = Cursor::default();
    let mut session = post.session.clone();
    if post.what == What::Initialize {
        // The session of this one stream, for taking it up again; for anything else only the result counts.
        session.id = session_id(headers.get(crate::headers::SESSION_ID));
    }
    let mut resuming = Resuming::new(link, session);
    let mut watch = Watch::new(&link.came, lane, post.method.as_str(), &headers);
    loop {
        let cut = match relay(link, lane, post, &mut watch, &mut events, &mut cursor).await {
            Relayed::Settled => return events.drain().await,
            Relayed::Cut(error) => error,
        };
        // The connection is given up before the wait.
        drop(events);
        let final_cut = matches!(cut, HttpError::TooLarge { .. });
        if post.modern || final_cut || cursor.last_id.is_none() {
            return lose(link, lane, cut);
        }
        tracing::debug!(?lane, %cut, "an event stream broke before its answer; it is resumed");
        events = match resuming.next(&mut cursor, cut).await {
            Ok(body) => Events::of(link, body),
            Err(loss) => return link.settle(lane, answer::inbound(lane, loss)),
        };
    }
}

/// Hands over what comes on the stream of a request until its answer.
async fn relay(
    link: &LinkState,
    lane: Lane,
    post: &Post,
    watch: &mut Watch<'_>,
    events: &mut Events,
    cursor: &mut Cursor,
) -> Relayed {
    let headers = watch.headers();
    loop {
        link.room().await;
        let next = match post.what {
            What::Listen => events.message(cursor).await,
            _ => events.watched_message(cursor, |so_far| watch.waits(so_far)).await,
        };
        let event = match next {
            Ok(Some(event)) => event,
            Ok(None) => match events.last_words() {
                Some(response) => {
                    respond(link, lane, post, headers, response);
                    return Relayed::Settled;
                }
                None => return Relayed::Cut(events.ended()),
            },
            Err(error) => return Relayed::Cut(error.with_came(|| watch.noted())),
        };
        match decode(event.data.clone()) {
            Decoded::One(Ok(Message::Response(response))) => {
                respond(link, lane, post, headers, response);
                return Relayed::Settled;
            }
            Decoded::One(Ok(message)) => link.deliver(lane, message),
            Decoded::One(Err(refusal)) => {
                for refusal in unreadable::explain(refusal, &event.data) {
                    if refusal.shape == Shape::Response {
                        link.settle(lane, Inbound::refused(refusal, lane));
                        return Relayed::Settled;
                    }
                    link.push(Inbound::refused(refusal, Lane::SHARED));
                }
                events.note_unreadable(&event.data);
            }
            Decoded::Batch(items) => {
                let answered = items.iter().any(is_response);
                let batch = Inbound::batch(items, lane);
                link.push(batch);
                if answered {
                    // For the session the lane ends with the answer, if this was it.
                    lose(link, lane, HttpError::Cut { why: "an array without the answer".into() });
                    return Relayed::Settled;
                }
            }
        }
    }
}

fn is_response(item: &Result<Message, Refusal>) -> bool {
    match item {
        Ok(message) => matches!(message, Message::Response(_)),
        Err(refusal) => refusal.shape == Shape::Response,
    }
}

/// How long a message that expects no answer may take. No session waits for one, so only this limit
/// ends it; enough of them would block all later messages until the link counts as dead.
const NOTE_TIME: Duration = Duration::from_secs(30);

/// Sends a message that expects no answer, and reports when it was accepted. Any 2xx accepts it, with any body.
pub(super) async fn note(
    link: Arc<LinkState>,
    lane: Lane,
    post: Post,
    mut exchange: Exchange,
    _room: Option<OwnedSemaphorePermit>,
) {
    let mode = link.mode();
    if let Mode::HttpSse(endpoint) = &mode {
        exchange.url = Some(endpoint.clone());
    }
    let late = HttpError::TimedOut { step: TimeoutStep::FirstByte, limit: NOTE_TIME, came: None };
    let answer = match timeout(NOTE_TIME, link.net.send(&exchange)).await.unwrap_or(Err(late)) {
        Ok(answer) => answer,
        Err(error) => return lose(&link, lane, error),
    };
    if !answer.status.is_success() {
        // A 404 here may mean the notification: whether the session is gone, the next request finds out.
        let refused = read(&link, *answer, &post).await;
        // The session goes on without it, so the server's own stream may be there all the same.
        if post.what == What::Initialized {
            if matches!(refused.status.as_u16(), 401 | 403 | 404) {
                standalone::tell(&link, ServerStream::Unavailable);
            } else {
                open_own_stream(&link, &post, &mode);
            }
        }
        let meaning = answer::refusal(refused, post.session.id.is_some());
        return settle(&link, lane, &post, &HeaderMap::new(), meaning);
    }
    if post.what == What::Initialized {
        open_own_stream(&link, &post, &mode);
    }
    link.settle(lane, Inbound::delivered(lane));
    drain(answer.body).await;
}
