//! The body of a request on a connection.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};

use crate::lock::Lock;

/// The body of a request.
#[derive(Debug)]
pub(in super::super) enum RequestBody {
    /// It came with its head.
    Whole(Bytes),
    /// It comes piece by piece.
    Arriving(Arc<Inbox>),
    /// hyper reads it.
    Hyper(Incoming),
}

/// What has come of a body and was not read yet. The connection reads the next piece when there is none.
#[derive(Debug)]
pub(in super::super) struct Inbox(Lock<State>);

#[derive(Debug)]
struct State {
    piece: Bytes,
    /// The bytes that are still to come.
    left: u64,
    /// The client closed the connection, or it failed.
    cut: bool,
    reader: Option<Waker>,
}

impl Inbox {
    /// The rest of a body whose first bytes have come.
    pub(super) fn new(piece: Bytes, left: u64) -> Arc<Inbox> {
        Arc::new(Inbox(Lock::new(State { piece, left, cut: false, reader: None })))
    }

    /// How many bytes may be read for it now.
    pub(super) fn wants(&self) -> u64 {
        let state = self.0.lock();
        if state.piece.is_empty() && !state.cut { state.left } else { 0 }
    }

    /// Whether all of it has come. What has come may be unread.
    pub(super) fn is_complete(&self) -> bool {
        self.0.lock().left == 0
    }

    /// Passes a piece on, of at most as many bytes as are wanted.
    pub(super) fn push(&self, piece: Bytes) {
        let mut state = self.0.lock();
        state.left = state.left.saturating_sub(piece.len() as u64);
        state.piece = piece;
        Inbox::wake(&mut state);
    }

    /// Nothing more will come.
    pub(super) fn cut(&self) {
        let mut state = self.0.lock();
        state.cut = true;
        Inbox::wake(&mut state);
    }

    fn wake(state: &mut State) {
        if let Some(reader) = state.reader.take() {
            reader.wake();
        }
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Cut>>> {
        let mut state = self.0.lock();
        if !state.piece.is_empty() {
            return Poll::Ready(Some(Ok(std::mem::take(&mut state.piece))));
        }
        match *state {
            State { left: 0, .. } => Poll::Ready(None),
            State { cut: true, .. } => Poll::Ready(Some(Err(Cut))),
            _ => {
                state.reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    fn unread(&self) -> u64 {
        let state = self.0.lock();
        state.left + state.piece.len() as u64
    }
}

/// The client ended the connection before the end of a body.
#[derive(Debug, thiserror::Error)]
#[error("the connection ended before the end of the body")]
struct Cut;

impl HttpBody for RequestBody {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.get_mut() {
            RequestBody::Whole(text) if text.is_empty() => Poll::Ready(None),
            RequestBody::Whole(text) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(text))))),
            RequestBody::Arriving(inbox) => {
                inbox.poll(cx).map(|piece| piece.map(|piece| piece.map(Frame::data).map_err(Into::into)))
            }
            RequestBody::Hyper(body) => {
                Pin::new(body).poll_frame(cx).map(|frame| frame.map(|frame| frame.map_err(Into::into)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            RequestBody::Whole(text) => text.is_empty(),
            RequestBody::Arriving(inbox) => inbox.unread() == 0,
            RequestBody::Hyper(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            RequestBody::Whole(text) => SizeHint::with_exact(text.len() as u64),
            RequestBody::Arriving(inbox) => SizeHint::with_exact(inbox.unread()),
            RequestBody::Hyper(body) => body.size_hint(),
        }
    }
}
