//! Tests of the arguments that travel in headers: schemas, values, tool lists.

mod schema;
mod tools;
mod values;

use mcp_core::message::RawJson;

use super::Annotation;

fn raw(text: &str) -> RawJson {
    RawJson::parse(text.to_owned()).unwrap()
}

/// An annotation as its path and its header.
fn brief(annotation: &Annotation) -> (String, String) {
    (annotation.path.join("/"), annotation.header.to_string())
}
