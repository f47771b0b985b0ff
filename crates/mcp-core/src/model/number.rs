//! JSON numbers that keep their digits.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::message::RawJson;

/// A JSON number that keeps the digits it was received with.
///
/// The schema has the type `number` for sizes, counts and fractions alike, and peers send `1`, `1.0` and
/// `1e3`. Two numbers are equal if their values as `u64` are, or, if neither has one, their values as `f64`.
#[derive(Clone)]
pub struct Number(RawJson);

impl Number {
    /// The nearest `f64`, an infinity if the number is out of range.
    pub fn as_f64(&self) -> f64 {
        // Cannot fail: Rust parses every JSON number.
        self.text().parse().unwrap_or(f64::NAN)
    }

    /// The value as a `u64`: of `7` and `7.0`, but not of `7.5`, `-7` or `1e30`.
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

// `i32` is included for plain integer literals.
from_integers! { i32 i64 u32 u64 usize }

/// NaN and the infinities, which JSON cannot express, become 0. A whole number is written without a fraction.
impl From<f64> for Number {
    fn from(value: f64) -> Number {
        // Rust formats floats without an exponent, which is valid JSON.
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
