//! The link: a WebSocket as a sink and a stream of texts.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures::stream::SplitSink;
use futures::{Sink, SinkExt, Stream, StreamExt, future};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Utf8Bytes};

pub(crate) fn config() -> WebSocketConfig {
    let bound = Some(crate::MAX_MESSAGE);
    WebSocketConfig::default().max_message_size(bound).max_frame_size(bound)
}

/// How long closing waits for the peer to take what was sent.
pub(crate) fn patience() -> tokio::time::Sleep {
    tokio::time::sleep(Duration::from_secs(2))
}

/// Splits a WebSocket into a sink and a stream of texts.
pub(crate) fn halves<S>(socket: WebSocketStream<S>) -> (Texts<S>, impl Stream<Item = Result<Bytes, Error>>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (sink, stream) = socket.split();
    let code = Arc::new(AtomicU16::new(CloseCode::Normal.into()));
    let found = code.clone();
    // The peer's close frame is the end. It is answered when this side closes.
    let frames = stream.take_while(|frame| future::ready(!matches!(frame, Ok(Message::Close(_)))));
    let texts = frames.filter_map(move |frame| {
        let error = match frame {
            Ok(Message::Text(text)) => return future::ready(Some(Ok(text.into()))),
            Ok(Message::Binary(_)) => Error::Io(std::io::Error::other("the peer sent a binary frame")),
            Ok(_) => return future::ready(None),
            Err(error) => error,
        };
        let code = match &error {
            Error::Io(_) => CloseCode::Unsupported,
            Error::Capacity(_) => CloseCode::Size,
            Error::Utf8(_) => CloseCode::Invalid,
            _ => CloseCode::Protocol,
        };
        found.store(code.into(), Relaxed);
        future::ready(Some(Err(error)))
    });
    (Texts { sink, code, farewell: false }, texts)
}

/// Sends texts, and closes with the code that the reading half has set.
pub(crate) struct Texts<S> {
    sink: SplitSink<WebSocketStream<S>, Message>,
    code: Arc<AtomicU16>,
    farewell: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Sink<Bytes> for Texts<S> {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.sink.poll_ready_unpin(cx)
    }

    fn start_send(mut self: Pin<&mut Self>, text: Bytes) -> Result<(), Error> {
        let text = Utf8Bytes::try_from(text).map_err(|error| Error::Utf8(error.to_string()))?;
        self.sink.start_send_unpin(Message::Text(text))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.sink.poll_flush_unpin(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if !self.farewell {
            ready!(self.sink.poll_ready_unpin(cx)).or_else(closed_already)?;
            let frame = CloseFrame { code: self.code.load(Relaxed).into(), reason: Utf8Bytes::default() };
            self.sink.start_send_unpin(Message::Close(Some(frame))).or_else(closed_already)?;
            self.farewell = true;
        }
        self.sink.poll_close_unpin(cx).map(|closed| closed.or_else(closed_already))
    }
}

/// Closing succeeds if the peer has closed first.
fn closed_already(error: Error) -> Result<(), Error> {
    if matches!(error, Error::ConnectionClosed | Error::AlreadyClosed) { Ok(()) } else { Err(error) }
}
