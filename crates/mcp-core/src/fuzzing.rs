//! Checks for any bytes, which `fuzz/` runs under a fuzzer and the tests run as properties.
//!
//! Compiled for tests and under `--cfg fuzzing` only; not part of the public API.

use bytes::Bytes;

use crate::codec::{Frame, LineDecoder, encode_line};
use crate::message::{Decoded, Message, decode};

/// Decoding never panics, and a message that was read is written and read again as the same message.
pub fn envelope(data: &[u8]) {
    let messages: Vec<Message> = match decode(Bytes::copy_from_slice(data)) {
        Decoded::One(message) => message.into_iter().collect(),
        Decoded::Batch(items) => items.into_iter().flatten().collect(),
    };
    for message in messages {
        let mut line = Vec::new();
        encode_line(&message, &mut line);
        assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1, "one line for one message");
        let again = match decode(Bytes::from(line)) {
            Decoded::One(Ok(again)) => again,
            other => panic!("{message:?} came back as {other:?}"),
        };
        let (mut one, mut two) = (Vec::new(), Vec::new());
        encode_line(&message, &mut one);
        encode_line(&again, &mut two);
        assert_eq!(one, two, "what is written is read as it was");
    }
}

/// The frames do not depend on how the stream is cut, and the decoder holds no more than its limit.
///
/// The first byte says where the rest is cut.
pub fn lines(data: &[u8]) {
    const LIMIT: usize = 64;
    let Some((step, data)) = data.split_first() else { return };
    let whole = frames(data.chunks(data.len().max(1)), LIMIT);
    let cut = frames(data.chunks(usize::from(*step) + 1), LIMIT);
    assert_eq!(whole, cut);
    for frame in whole {
        if let Frame::Line(line) = frame {
            assert!(line.len() <= LIMIT && !line.contains(&b'\n'));
        }
    }
}

fn frames<'a>(chunks: impl Iterator<Item = &'a [u8]>, limit: usize) -> Vec<Frame> {
    let mut decoder = LineDecoder::new(limit);
    let mut frames = Vec::new();
    for chunk in chunks {
        decoder.feed(chunk);
        frames.extend(std::iter::from_fn(|| decoder.next_frame()));
    }
    frames.extend(decoder.finish());
    frames
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;

    /// The inputs that are kept in the repository.
    fn corpus(target: &str) -> Vec<Vec<u8>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
        let files = std::fs::read_dir(&folder).unwrap();
        let inputs: Vec<_> = files.map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect();
        assert!(!inputs.is_empty(), "{} is empty", folder.display());
        inputs
    }

    #[test]
    fn the_corpus_holds() {
        corpus("envelope").iter().for_each(|data| envelope(data));
        corpus("lines").iter().for_each(|data| lines(data));
    }

    proptest! {
        /// Inputs of the corpus with some bytes replaced, which reach further than random ones.
        #[test]
        fn mutated_messages_hold(
            which in any::<prop::sample::Index>(),
            changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        ) {
            let corpus = corpus("envelope");
            let mut data = corpus[which.index(corpus.len())].clone();
            for (at, byte) in changes {
                let at = at.index(data.len().max(1));
                if let Some(old) = data.get_mut(at) {
                    *old = byte;
                }
            }
            envelope(&data);
        }

        #[test]
        fn any_lines_hold(data in proptest::collection::vec(prop_oneof![3 => any::<u8>(), 1 => Just(b'\n')], 0..400)) {
            lines(&data);
        }
    }
}
