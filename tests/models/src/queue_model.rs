//! The queue between a legacy session and one connection that reads its stream.

use std::future::poll_fn;
use std::sync::Arc;

use bytes::Bytes;
use shuttle::future::block_on;
use shuttle::thread;

use crate::every_interleaving;
use crate::queue::{Offer, Reader, Writer, connection};
use crate::server::body::Source;
use crate::server::budgets::Holder;

/// A connection whose queue takes one event.
fn full_at_one() -> (Writer, Reader) {
    connection(1, Arc::new(Holder))
}

fn event(number: u8) -> Bytes {
    Bytes::copy_from_slice(&[number])
}

/// As a session sends: it waits while the queue is full. `false` if the reader is gone.
async fn send(writer: &Writer, number: u8) -> bool {
    let mut next = event(number);
    loop {
        match writer.offer(next, true) {
            Offer::Queued => return true,
            Offer::Gone => return false,
            Offer::Full(event) => next = event,
        }
        writer.room().await;
    }
}

async fn next(reader: &mut Reader) -> Option<Bytes> {
    poll_fn(|cx| reader.poll_chunk(cx)).await
}

/// A full queue holds its session up until the reader reads, and loses nothing.
pub fn a_full_queue_holds_its_session_up() {
    every_interleaving(|| {
        let (writer, mut reader) = full_at_one();
        writer.force(event(0));
        let session = thread::spawn(move || block_on(send(&writer, 1)));
        assert_eq!(block_on(next(&mut reader)), Some(event(0)));
        assert_eq!(block_on(next(&mut reader)), Some(event(1)));
        assert!(session.join().unwrap());
    });
}

/// A client that hangs up releases a session that waits for room.
pub fn a_client_that_hangs_up_releases_the_session() {
    every_interleaving(|| {
        let (writer, reader) = full_at_one();
        writer.force(event(0));
        let session = thread::spawn(move || block_on(send(&writer, 1)));
        drop(reader);
        assert!(!session.join().unwrap());
    });
}

/// A reader that waits is woken by an event, and by the end behind it.
pub fn a_reader_that_waits_is_woken() {
    every_interleaving(|| {
        let (writer, mut reader) = full_at_one();
        let session = thread::spawn(move || {
            writer.force(event(0));
            writer.end();
        });
        assert_eq!(block_on(next(&mut reader)), Some(event(0)));
        assert_eq!(block_on(next(&mut reader)), None);
        session.join().unwrap();
    });
}

/// A connection that is cut ends its reader, whatever waits.
pub fn a_cut_ends_the_reader() {
    every_interleaving(|| {
        let (writer, mut reader) = full_at_one();
        let session = thread::spawn(move || {
            writer.force(event(0));
            writer.cut();
        });
        let first = block_on(next(&mut reader));
        assert!(first.is_none() || block_on(next(&mut reader)).is_none());
        session.join().unwrap();
    });
}

/// The end of the connection releases a writer that waits for room, although no reader moves.
pub fn an_end_releases_a_writer_of_an_unread_queue() {
    every_interleaving(|| {
        let (writer, reader) = full_at_one();
        writer.force(event(0));
        let waiting = {
            let writer = writer.clone();
            thread::spawn(move || block_on(writer.room()))
        };
        writer.end();
        assert!(waiting.join().unwrap());
        drop(reader);
    });
}
