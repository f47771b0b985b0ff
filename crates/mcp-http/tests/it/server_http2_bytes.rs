//! HTTP/2, byte by byte: what the server announces, and what it does not put up with.

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use crate::legacy_kit::Bench;
use crate::server_kit::soon;

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Kind, flags and payload of the next frame.
async fn next(io: &mut DuplexStream) -> std::io::Result<(u8, u8, Vec<u8>)> {
    let mut head = [0; 9];
    io.read_exact(&mut head).await?;
    let mut payload = vec![0; usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2])];
    io.read_exact(&mut payload).await?;
    Ok((head[3], head[4], payload))
}

async fn open(bench: &Bench) -> (DuplexStream, Vec<u8>) {
    let mut io = bench.server.open_pipe(1 << 20);
    io.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    io.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
    let (kind, _, settings) = soon(next(&mut io)).await.unwrap();
    assert_eq!(kind, SETTINGS);
    (io, settings)
}

/// FAULT B: the number of streams and the size of headers are announced, so that an honest client keeps to them.
#[tokio::test(start_paused = true)]
async fn http2_announces_its_limits() {
    let bench = Bench::with(|_| {});
    let (_io, settings) = open(&bench).await;
    let value = |id: u8| {
        let found = settings.chunks(6).find(|one| one[..2] == [0, id]);
        found.map(|one| u32::from_be_bytes(one[2..].try_into().unwrap()))
    };
    assert_eq!((value(3), value(6)), (Some(200), Some(64 << 10)));
}

/// FAULT B: streams that are reset before they are served (rapid reset) end the connection; a few do not.
#[tokio::test(start_paused = true)]
async fn http2_ends_a_connection_of_rapid_resets() {
    let bench = Bench::with(|_| {});
    for (count, ends) in [(10, false), (200, true)] {
        let (mut io, _) = open(&bench).await;
        // GET / over http at "localhost", by the static table.
        let head = [&[0x82, 0x84, 0x86, 0x41, 9][..], b"localhost"].concat();
        let flood = (0..count).flat_map(|number| {
            let stream = 2 * number + 1;
            let begin = frame(HEADERS, 0x05, stream, &head);
            [begin, frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes())].concat()
        });
        let flood: Vec<u8> = flood.chain(frame(PING, 0, 0, b"are you?")).collect();
        io.write_all(&flood).await.unwrap();
        let ended = async {
            loop {
                match next(&mut io).await {
                    Err(_) => return true,
                    Ok((GOAWAY, _, payload)) if payload[4..8] == 11_u32.to_be_bytes() => return true,
                    Ok((PING, 1, _)) => return false,
                    Ok(_) => {}
                }
            }
        };
        assert_eq!(soon(ended).await, ends, "{count}");
    }
}
