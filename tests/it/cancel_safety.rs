//! The code of docs/cancel-safety.md: a `recv` that loses bytes and is detected, and one that does not.

use std::io::ErrorKind::UnexpectedEof;

use mcp_core::message::decode;
use mcp_core::transport::lanes::single;
use mcp_core::transport::{
    Binding, Inbound, Lane, Transport, TransportError, TransportReceiver, TransportSender, async_trait,
};
use mcp_stdio::StreamTransport;
use mcp_testkit::compliance;
use tokio::io::{AsyncReadExt, DuplexStream, ReadHalf};

/// Keeps the bytes so far in a local variable. Dropping the future drops them.
struct Torn {
    reader: ReadHalf<DuplexStream>,
}

#[async_trait]
impl TransportReceiver for Torn {
    async fn recv(&mut self) -> Result<Option<Inbound>, TransportError> {
        let mut line = Vec::new();
        loop {
            match self.reader.read_u8().await {
                Ok(b'\n') => return Ok(Some(inbound(line))),
                Ok(byte) => line.push(byte),
                Err(end) if end.kind() == UnexpectedEof => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Keeps the bytes so far in `self`. The next `recv` continues with them.
struct Kept {
    reader: ReadHalf<DuplexStream>,
    line: Vec<u8>,
}

#[async_trait]
impl TransportReceiver for Kept {
    async fn recv(&mut self) -> Result<Option<Inbound>, TransportError> {
        loop {
            match self.reader.read_u8().await {
                Ok(b'\n') => return Ok(Some(inbound(std::mem::take(&mut self.line)))),
                Ok(byte) => self.line.push(byte),
                Err(end) if end.kind() == UnexpectedEof => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn inbound(line: Vec<u8>) -> Inbound {
    match single(decode(line.into())) {
        Ok(message) => Inbound::message(message, Lane::SHARED),
        Err(refusal) => Inbound::refused(refusal, Lane::SHARED),
    }
}

/// A link whose writing half is correct.
struct Link {
    stream: DuplexStream,
    tears: bool,
}

impl Transport for Link {
    fn binding(&self) -> Binding {
        Binding::STREAM
    }

    fn split(self: Box<Self>) -> (Box<dyn TransportSender>, Box<dyn TransportReceiver>) {
        let (reader, writer) = tokio::io::split(self.stream);
        let (sender, _) = Box::new(StreamTransport::new(tokio::io::empty(), writer)).split();
        let line = Vec::new();
        (sender, if self.tears { Box::new(Torn { reader }) } else { Box::new(Kept { reader, line }) })
    }
}

async fn checked(tears: bool) -> compliance::Report {
    let fixture = compliance::pairs("lines, byte by byte", move || async move {
        let (near, far) = tokio::io::duplex(64);
        Ok((Link { stream: near, tears }, Link { stream: far, tears: false }))
    });
    compliance::run_some(&fixture.large(4 << 10), |promise, _| promise == 7).await
}

/// FAULT C-5, FAULT C-6: the kit drops `recv` as a driver does, and detects the loss.
#[tokio::test(start_paused = true)]
async fn a_receiver_that_keeps_its_bytes_in_a_local_variable_is_detected() {
    let report = checked(true).await;
    let failed: Vec<_> = report.failed().map(|check| check.name).collect();
    assert_eq!(failed, ["recv loses nothing when dropped, at the client"], "{report}");
    assert!(report.to_string().contains("docs/cancel-safety.md"), "{report}");
    checked(false).await.assert_passed();
}
