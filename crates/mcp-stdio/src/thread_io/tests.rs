//! Blocking streams behind threads.

use std::os::unix::net::UnixStream;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

/// STDIO-S-011: all that was written arrives, then the end.
#[tokio::test]
async fn a_blocking_stream_is_read_to_its_end() {
    let (mut far, near) = UnixStream::pair().unwrap();
    let mut reader = ThreadReader::spawn(near).unwrap();
    let writer = std::thread::spawn(move || far.write_all(&vec![7; 1_000_000]).unwrap());
    let mut all = Vec::new();
    reader.read_to_end(&mut all).await.unwrap();
    assert_eq!(all, vec![7; 1_000_000]);
    writer.join().unwrap();
    assert_eq!(reader.read(&mut [0; 4]).await.unwrap(), 0);
}

/// The queue is bounded and nothing is lost when it is full.
#[tokio::test]
async fn a_slow_reader_gets_everything() {
    let (mut far, near) = UnixStream::pair().unwrap();
    let mut writer = ThreadWriter::spawn(near).unwrap();
    let sent: Vec<u8> = (0..4_000_000_u32).map(|number| number.to_le_bytes()[1]).collect();
    let expected = sent.clone();
    let reader = std::thread::spawn(move || {
        let mut all = Vec::new();
        far.read_to_end(&mut all).unwrap();
        all
    });
    writer.write_all(&sent).await.unwrap();
    assert!(writer.0.state().bytes.len() <= WRITE_QUEUE);
    writer.shutdown().await.unwrap();
    drop(writer);
    assert!(reader.join().unwrap() == expected);
}

/// FAULT C-19: a reader that is gone is an error of the writer, at every call from then on.
#[tokio::test]
async fn a_closed_reader_fails_the_writer_for_good() {
    let (far, near) = UnixStream::pair().unwrap();
    let mut writer = ThreadWriter::spawn(near).unwrap();
    drop(far);
    writer.write_all(b"x").await.unwrap();
    assert_eq!(writer.flush().await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    assert_eq!(writer.write(b"x").await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
}
