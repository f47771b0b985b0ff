//! GET of a stream: the standalone stream, and any legacy stream that broke.
// RES-C-003, SSE-C-008.

use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use hyper::header::HeaderValue;
use mcp_core::transport::{Loss, LossKind};

use super::answer;
use super::answer::{EXCERPT, content_type};
use super::link_state::{LinkState, Session};
use super::post::get_headers;
use super::resume::{Backoff, random};
use super::stream::Cursor;
use crate::error::NotMcp;
use crate::net::{Body, Exchange};
use crate::{HttpError, media};

/// The outcome of a GET.
pub(super) enum Opened {
    /// A stream.
    Stream(Body),
    /// No stream, and a later attempt would not succeed.
    Never(HttpError),
    /// No stream now. The duration is the wait that the server requested.
    Later(HttpError, Option<Duration>),
}

/// Requests a stream, from its start or after an event.
pub(super) async fn open(link: &LinkState, session: &Session, last_id: Option<&HeaderValue>) -> Opened {
    let exchange = Exchange {
        method: Method::GET,
        url: None,
        template: None,
        headers: get_headers(session, last_id),
        body: Bytes::new(),
        counted: false,
        // Reopening has its own tries and waits.
        repeatable: false,
    };
    let answer = match link.net.send(exchange).await {
        Ok(answer) => answer,
        Err(error @ (HttpError::Redirect { .. } | HttpError::Url { .. } | HttpError::Setting { .. })) => {
            return Opened::Never(error);
        }
        Err(error) if error.is_auth() => return Opened::Never(error),
        Err(error) => return Opened::Later(error, None),
    };
    if answer.status.is_success() {
        if media::is_event_stream(&answer.headers) {
            return Opened::Stream(answer.body);
        }
        // FAULT C-26: 200 with something else is no stream, however often it is asked for.
        let mut error = NotMcp::new("", "the answer to GET is not text/event-stream");
        error.content_type = content_type(&answer.headers);
        error.body = answer.body.clip(EXCERPT).await;
        return Opened::Never(HttpError::NotMcp(error.into()));
    }
    if answer.status.as_u16() == 404 && session.id.is_some() {
        return Opened::Never(HttpError::SessionLost);
    }
    let refused = answer.refused(link.config.limits.error_body).await;
    let after = refused.retry_after;
    let again = refused.is_retryable();
    let error = HttpError::Status(refused.into());
    if again { Opened::Later(error, after) } else { Opened::Never(error) }
}

/// One logical stream over several connections.
pub(super) struct Resuming<'a> {
    link: &'a LinkState,
    session: Session,
    backoff: Backoff,
}

impl<'a> Resuming<'a> {
    pub(super) fn new(link: &'a LinkState, session: Session) -> Resuming<'a> {
        Resuming { link, session, backoff: Backoff::new(link.config.reconnect) }
    }

    /// The budget of tries is as new.
    pub(super) fn renew(&mut self) {
        self.backoff.advanced();
    }

    /// Waits, then takes the stream up behind the cursor, as often as the budget allows. `cut` is how it broke.
    ///
    /// # Errors
    ///
    /// It is over for good: the tries are used up, the server refused, or the session is gone.
    pub(super) async fn next(&mut self, cursor: &mut Cursor, mut cut: HttpError) -> Result<Body, Loss> {
        if std::mem::take(&mut cursor.advanced) {
            self.renew();
        }
        let mut floor = None;
        loop {
            let asked = cursor.retry.max(floor);
            let wait = match self.backoff.next(asked, random()) {
                Ok(wait) => wait,
                Err(give_up) => return Err(over(&cut, &give_up)),
            };
            tokio::time::sleep(wait).await;
            match open(self.link, &self.session, cursor.last_id.as_ref()).await {
                Opened::Stream(body) => return Ok(body),
                Opened::Never(HttpError::SessionLost) => {
                    if let Some(id) = &self.session.id {
                        self.link.session_lost(id);
                    }
                    // The request was sent before the stream broke.
                    return Err(Loss::new(LossKind::session_lost(true), HttpError::SessionLost));
                }
                Opened::Never(error) if error.is_auth() => return Err(answer::lost(error)),
                Opened::Never(error) => return Err(over(&cut, &error)),
                Opened::Later(error, after) => {
                    cut = error;
                    floor = after;
                }
            }
        }
    }
}

fn over(cut: &HttpError, why: &dyn std::error::Error) -> Loss {
    Loss::new(LossKind::Cut, HttpError::Cut { why: format!("{cut}; the stream was not resumed: {why}") })
}
