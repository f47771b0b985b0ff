//! Where a JSON string stops being plain: found by words and chunks, without a table.

/// How many bytes from the start need no look: no quote, no backslash, no control character.
#[inline]
pub(crate) fn plain_run(bytes: &[u8]) -> usize {
    let mut run = 0;
    loop {
        let rest = &bytes[run..];
        let Some(word) = rest.first_chunk::<8>() else {
            return run + short_run(rest);
        };
        let special = special_bytes(u64::from_le_bytes(*word));
        if special != 0 {
            return run + special.trailing_zeros() as usize / 8;
        }
        run += 8;
        if run == LONG_RUN {
            return run + long_run(&bytes[run..]);
        }
    }
}

/// The same, for what is probably long. Apart, so that the short run of a key needs no place for what only this one
/// needs.
#[inline(never)]
fn long_run(bytes: &[u8]) -> usize {
    let mut run = plain_chunks(bytes);
    while let Some(word) = bytes[run..].first_chunk::<8>() {
        let special = special_bytes(u64::from_le_bytes(*word));
        if special != 0 {
            return run + special.trailing_zeros() as usize / 8;
        }
        run += 8;
    }
    run + short_run(&bytes[run..])
}

fn short_run(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| !is_special(**byte)).count()
}

/// A string that is plain for so many bytes is probably long: then larger chunks pay.
const LONG_RUN: usize = 32;

fn is_special(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | 0..=0x1F)
}

/// Marks special bytes by their highest bit. Only the lowest mark is to be trusted: the borrow of a
/// subtraction can set marks above it.
fn special_bytes(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word & HIGH;
    let equal = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    // With that bit turned over, quote and control characters are the lowest values, and nothing else is.
    below(word ^ (ONES * 0x02), 0x21) | equal(b'\\')
}

/// The length of the leading chunks without a special byte. Without an early end inside a chunk the
/// compiler makes vector instructions of it.
#[inline(never)]
fn plain_chunks(bytes: &[u8]) -> usize {
    const CHUNK: usize = 64;
    let plain = |chunk: &&[u8]| !chunk.iter().fold(false, |found, byte| found | is_special(*byte));
    bytes.chunks_exact(CHUNK).take_while(plain).count() * CHUNK
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Wherever a special byte stands, and whatever stands around it, the run ends right there.
    #[test]
    fn a_plain_run_ends_at_the_first_special_byte() {
        for special in [b'"', b'\\', 0, 0x1F, b'\n'] {
            for (length, at) in (0..200).flat_map(|length| (0..=length).map(move |at| (length, at))) {
                for filler in [b' ', b'!', b'#', b'[', b']', 0x7F, 0xA2, 0xDC, 0xFF] {
                    let mut bytes = vec![filler; length];
                    assert_eq!(plain_run(&bytes), length);
                    bytes.insert(at, special);
                    assert_eq!(plain_run(&bytes), at, "{special} at {at} among {filler}");
                }
            }
        }
    }
}
