//! Arguments that travel in headers too: what a tool's schema asks for by `x-mcp-header`, and the values.

mod number;
mod schema;
mod tools;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use hyper::header::HeaderName;
use mcp_core::message::RawJson;

pub(crate) use number::{Number, plain_decimal};
pub(crate) use schema::annotations;
pub(crate) use tools::valid_tools;

/// The most annotations that one tool may have: servers take about a hundred headers in all.
pub(crate) const MAX_ANNOTATIONS: usize = 64;
/// The longest name that an annotation may give, in bytes.
pub(crate) const MAX_NAME: usize = 256;
/// The longest path to an annotated property, in bytes of the names on it.
pub(crate) const MAX_PATH: usize = 4096;

/// One argument of a tool that is copied into a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Annotation {
    /// The keys from the arguments' root to the value. Never empty.
    pub(crate) path: Vec<String>,
    /// `mcp-param-...`. All of them start so, hence no annotation can name a header that means something
    /// else.
    pub(crate) header: HeaderName,
}

/// Why a schema's annotations are invalid, and with them the tool.
// HDR-S-013 to HDR-S-015, T-29.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Invalid(pub(crate) String);

/// Why an argument cannot be copied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ParamError {
    #[error("the argument `{0}` is an integer beyond 2^53-1, which no header may carry")]
    UnsafeInteger(String),
    #[error("the arguments have `{0}` twice")]
    Duplicate(String),
}

/// An argument as it is copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// A string as it is, or `true` and `false`.
    Text(String),
    /// An integer, whose header is compared by its number.
    // HDR-S-021.
    Integer(i64),
}

impl Value {
    /// The text of the header, before it is encoded.
    pub(crate) fn into_text(self) -> String {
        match self {
            Value::Text(text) => text,
            Value::Integer(number) => number.to_string(),
        }
    }

    /// Whether a decoded header says the same.
    pub(crate) fn matches(&self, header: &str) -> bool {
        match self {
            Value::Text(text) => text == header,
            Value::Integer(number) => plain_decimal(header) == Some(Number::Integer(*number)),
        }
    }
}

impl Annotation {
    /// The text of the header for these arguments, before it is encoded; `None`: the header is left out.
    ///
    /// # Errors
    ///
    /// As [`read`](Annotation::read): the call must not be sent.
    pub(crate) fn value(&self, arguments: Option<&RawJson>) -> Result<Option<String>, ParamError> {
        Ok(self.read(arguments)?.map(Value::into_text))
    }

    /// The value at the annotation's path. `None` where it is absent or null.
    ///
    /// The actual type of the value decides how it is copied, not the declared type: the tool refuses a value of a
    /// wrong type, and a header check in front of it must not hide that. A fraction, an array or an object has no
    /// header.
    ///
    /// # Errors
    ///
    /// An integer beyond 2^53-1, and a duplicate key on the path, which two readers would read differently.
    // HDR-C-016, HDR-C-017, T-30.
    pub(crate) fn read(&self, arguments: Option<&RawJson>) -> Result<Option<Value>, ParamError> {
        let Some(arguments) = arguments else { return Ok(None) };
        let mut value = Cow::Borrowed(arguments);
        for key in &self.path {
            let mut hits = value.members().into_iter().filter(|(name, _)| name == key);
            let Some((_, member)) = hits.next() else { return Ok(None) };
            if hits.next().is_some() {
                return Err(ParamError::Duplicate(key.clone()));
            }
            value = Cow::Owned(member);
        }
        Ok(match value.as_bytes() {
            b"true" => Some(Value::Text("true".to_owned())),
            b"false" => Some(Value::Text("false".to_owned())),
            [b'"', ..] => value.to_text().map(Value::Text),
            [b'-' | b'0'..=b'9', ..] => match number::json_number(value.as_bytes()) {
                Number::Integer(number) => Some(Value::Integer(number)),
                Number::Unsafe => return Err(ParamError::UnsafeInteger(self.path.join("."))),
                Number::Fraction => None,
            },
            _ => None,
        })
    }
}
