//! Arguments that travel in headers too: what a tool's schema asks for by `x-mcp-header`, and the values.

mod number;
mod schema;
mod tools;
mod values;

#[cfg(test)]
mod tests;

use hyper::header::HeaderName;
#[cfg(test)]
use mcp_core::message::RawJson;

pub(crate) use number::{Number, plain_decimal};
pub(crate) use schema::annotations;
pub(crate) use tools::valid_tools;
pub(crate) use values::values;

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
    /// As those of [`values`]: the call must not be sent.
    #[cfg(test)]
    pub(crate) fn value(&self, arguments: Option<&RawJson>) -> Result<Option<String>, ParamError> {
        Ok(self.read(arguments)?.map(Value::into_text))
    }

    /// The value of this annotation alone.
    #[cfg(test)]
    pub(crate) fn read(&self, arguments: Option<&RawJson>) -> Result<Option<Value>, ParamError> {
        values(arguments, std::slice::from_ref(self)).remove(0)
    }
}
