//! JSON numbers that keep their form: `50` stays `50`, and `0.5` stays `0.5`.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::message::RawJson;

/// A JSON number with the digits it came with. The schema says `number` for sizes, counts and shares alike,
/// and peers send `1`, `1.0` and `1e3`.
///
/// Equality is by value as an `f64`, or as a `u64` where both are one.
#[derive(Clone)]
pub struct Number(RawJson);

impl Number {
    /// The nearest `f64`. Beyond its range, an infinity.
    pub fn as_f64(&self) -> f64 {
        // JSON's number grammar is part of what Rust reads, so the fallback is never taken.
        self.text().parse().unwrap_or(f64::NAN)
    }

    /// The whole number, if it is one that fits: `7` and `7.0`, but not `7.5`, `-7` or `1e30`.
    pub fn as_u64(&self) -> Option<u64> {
        // Up to 2^53 an f64 is exact.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        self.text().parse().ok().or_else(|| {
            let value = self.as_f64();
            (value.fract() == 0.0 && (0.0..=EXACT).contains(&value)).then_some(value as u64)
        })
    }

    fn text(&self) -> &str {
        std::str::from_utf8(self.0.as_bytes()).unwrap_or_default()
    }
}

macro_rules! from_integers {
    ($($Integer:ty)*) => {
        $( impl From<$Integer> for Number {
            fn from(value: $Integer) -> Number {
                Number(RawJson::serialize(&value).unwrap_or_else(|_| RawJson::integer(0)))
            }
        } )*
    };
}

// With i32 among them a plain literal can stand for a number.
from_integers! { i32 i64 u32 u64 usize }

/// JSON has no infinities and no NaN: they become 0. A whole number is written without a fraction.
impl From<f64> for Number {
    fn from(value: f64) -> Number {
        // Rust writes floats as plain digits, which is JSON; "-0" is too.
        let value = if value.is_finite() { value } else { 0.0 };
        Number(RawJson::parse(value.to_string()).unwrap_or_else(|_| RawJson::integer(0)))
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Number) -> bool {
        match (self.as_u64(), other.as_u64()) {
            (Some(mine), Some(theirs)) => mine == theirs,
            (None, None) => self.as_f64() == other.as_f64(),
            _ => false,
        }
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Number, D::Error> {
        let raw = <RawJson as Deserialize>::deserialize(deserializer)?;
        if matches!(raw.as_bytes().first(), Some(b'-' | b'0'..=b'9')) {
            Ok(Number(raw))
        } else {
            Err(serde::de::Error::custom(format_args!("expected a number, found {}", raw.kind_name())))
        }
    }
}
