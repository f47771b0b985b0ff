//! Numbers as headers may carry them: integers that every peer holds exactly.

#![expect(clippy::indexing_slicing, reason = "the sign was found at this position of the same text")]

/// The largest integer that a header may carry, and its negative the smallest: 2^53-1.
// HDR-S-014.
const MAX_SAFE: i64 = (1 << 53) - 1;

/// What a number is, whichever way it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Number {
    /// An integer within the safe range.
    Integer(i64),
    /// An integer beyond it.
    Unsafe,
    /// No integer.
    Fraction,
}

/// Reads a JSON number. `42.0` and `4.2e1` are the integer 42.
pub(super) fn json_number(text: &[u8]) -> Number {
    let (negative, text) = sign(text);
    let (digits, exponent) = match text.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        Some(at) => (&text[..at], exponent(&text[at + 1..])),
        None => (text, 0),
    };
    let (whole, fraction) = match digits.iter().position(|byte| *byte == b'.') {
        Some(dot) => (&digits[..dot], &digits[dot + 1..]),
        None => (digits, &b""[..]),
    };
    scaled(negative, whole, fraction, exponent)
}

/// Reads a header's number: digits, and maybe a point and more digits. No exponent, no plus, no hexadecimal: `1e1` and
/// `0x2a` are none.
// HDR-S-021, T-30.
pub(crate) fn plain_decimal(text: &str) -> Option<Number> {
    let (negative, text) = sign(text.as_bytes());
    let mut parts = text.splitn(2, |byte| *byte == b'.');
    let (whole, fraction) = (parts.next()?, parts.next());
    let digits = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    (digits(whole) && fraction.is_none_or(digits))
        .then(|| scaled(negative, whole, fraction.unwrap_or_default(), 0))
}

fn sign(text: &[u8]) -> (bool, &[u8]) {
    match text.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, text),
    }
}

/// An exponent, held within what any text of ours can make up for by its length.
fn exponent(text: &[u8]) -> i64 {
    let (negative, digits) = sign(text.strip_prefix(b"+").unwrap_or(text));
    let size = digits.iter().fold(0_i64, |size, byte| {
        size.saturating_mul(10).saturating_add(i64::from(byte.wrapping_sub(b'0'))).min(i64::from(u32::MAX))
    });
    if negative { -size } else { size }
}

/// `whole.fraction` times ten to the `exponent`.
fn scaled(negative: bool, whole: &[u8], fraction: &[u8], exponent: i64) -> Number {
    let mut digits: Vec<u8> =
        whole.iter().chain(fraction).copied().skip_while(|digit| *digit == b'0').collect();
    let mut scale = exponent.saturating_sub(fraction.len() as i64);
    while digits.pop_if(|digit| *digit == b'0').is_some() {
        scale = scale.saturating_add(1);
    }
    if digits.is_empty() {
        return Number::Integer(0);
    }
    // 2^53-1 has sixteen digits.
    let Ok(zeros) = u32::try_from(scale) else { return Number::Fraction };
    if digits.len() as u64 + u64::from(zeros) > 16 {
        return Number::Unsafe;
    }
    let size = digits.iter().fold(0, |size, digit| size * 10 + i64::from(digit - b'0')) * 10_i64.pow(zeros);
    if size > MAX_SAFE {
        return Number::Unsafe;
    }
    Number::Integer(if negative { -size } else { size })
}
