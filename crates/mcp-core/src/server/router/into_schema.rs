//! What an input schema may be given as.

use bytes::Bytes;
use serde_json::Value;

use crate::message::{RawJson, ScanError};

/// A JSON Schema, as [`ToolDef::input`](super::ToolDef::input) takes it: JSON text, a [`RawJson`], a `serde_json::Value`, or with
/// the feature `schemars` a `schemars::Schema`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a JSON Schema",
    label = "neither JSON text nor a JSON value",
    note = "write it as `serde_json::json!({{ \"type\": \"object\", ... }})`, or as text: `r#\"{{\"type\":\"object\"}}\"#`",
    note = "with the feature `schemars`, `tool_typed` makes the schema from the type of the arguments"
)]
pub trait IntoSchema {
    /// The schema as checked JSON.
    ///
    /// # Errors
    ///
    /// It is text that is not JSON.
    fn into_schema(self) -> Result<RawJson, ScanError>;
}

impl IntoSchema for RawJson {
    fn into_schema(self) -> Result<RawJson, ScanError> {
        Ok(self)
    }
}

impl IntoSchema for Value {
    fn into_schema(self) -> Result<RawJson, ScanError> {
        Ok(self.into())
    }
}

impl IntoSchema for &Value {
    fn into_schema(self) -> Result<RawJson, ScanError> {
        Ok(self.into())
    }
}

impl IntoSchema for &str {
    fn into_schema(self) -> Result<RawJson, ScanError> {
        RawJson::parse(Bytes::copy_from_slice(self.as_bytes()))
    }
}

impl IntoSchema for String {
    fn into_schema(self) -> Result<RawJson, ScanError> {
        RawJson::parse(self)
    }
}

impl IntoSchema for Bytes {
    fn into_schema(self) -> Result<RawJson, ScanError> {
        RawJson::parse(self)
    }
}

#[cfg(feature = "schemars")]
impl IntoSchema for schemars::Schema {
    fn into_schema(self) -> Result<RawJson, ScanError> {
        Ok(self.to_value().into())
    }
}
