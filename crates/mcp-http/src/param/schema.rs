//! Reads the annotations of a tool's input schema, in one pass over every keyword of JSON Schema 2020-12 that holds a
//! schema.
//!
//! `$ref` is not followed.
// SEC-B-011, T-29.

use std::fmt;
use std::sync::LazyLock;

use hyper::header::HeaderName;
use mcp_core::message::RawJson;
use memchr::memmem::Finder;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{Annotation, Invalid, MAX_ANNOTATIONS, MAX_NAME, MAX_PATH};
use crate::headers::PARAM_PREFIX;
use crate::media::is_token;

const KEYWORD: &str = "x-mcp-header";
static FIND_KEYWORD: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(KEYWORD));

/// Returns the annotations of a tool's input schema, in their order. serde_json bounds the depth to 128.
///
/// # Errors
///
/// The first annotation that breaks a rule makes the tool invalid. A schema without annotations is never an error.
// HDR-C-018.
pub(crate) fn annotations(schema: &RawJson) -> Result<Vec<Annotation>, Invalid> {
    let text = schema.as_bytes();
    // Most schemas have none. A search finds that quickly: the text contains neither the keyword nor an escape.
    if FIND_KEYWORD.find(text).is_none() && memchr::memchr(b'\\', text).is_none() {
        return Ok(Vec::new());
    }
    let mut walk = Walk { found: Vec::new(), path: Vec::new(), fault: None };
    let node = Node { walk: &mut walk, holds: Holds::Schema, reachable: true };
    let read = node.deserialize(&mut serde_json::Deserializer::from_slice(text));
    match (walk.fault, read) {
        (Some(fault), _) => Err(Invalid(fault)),
        (None, Err(error)) => Err(Invalid(format!("a schema that cannot be read: {error}"))),
        (None, Ok(())) => Ok(walk.found),
    }
}

struct Walk {
    found: Vec<Annotation>,
    /// The names of the properties from the root to the current schema.
    path: Vec<String>,
    /// The first rule that was broken.
    fault: Option<String>,
}

/// What a value holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    /// A schema, or a list of schemas.
    Schema,
    /// An object whose values are schemas (or lists of them), by the names of properties.
    Properties,
    /// An object whose values are schemas (or lists of them), by other names.
    Schemas,
}

/// What the value of a keyword of JSON Schema 2020-12, or of an earlier draft, holds.
fn holds(keyword: &str) -> Option<Holds> {
    Some(match keyword {
        "properties" => Holds::Properties,
        "patternProperties" | "dependentSchemas" | "dependencies" | "$defs" | "definitions" => Holds::Schemas,
        "allOf"
        | "anyOf"
        | "oneOf"
        | "not"
        | "if"
        | "then"
        | "else"
        | "items"
        | "prefixItems"
        | "contains"
        | "additionalItems"
        | "unevaluatedItems"
        | "additionalProperties"
        | "unevaluatedProperties"
        | "propertyNames"
        | "contentSchema" => Holds::Schema,
        _ => return None,
    })
}

/// One value of the schema, as a step of the walk.
struct Node<'w> {
    walk: &'w mut Walk,
    holds: Holds,
    /// Whether the path from the root consists of `properties` only.
    reachable: bool,
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a schema")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        match self.holds {
            Holds::Schema => self.schema(map),
            Holds::Properties | Holds::Schemas => self.named(map),
        }
    }

    /// A list of schemas. No property is reached through one.
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let walk = self.walk;
        while list
            .next_element_seed(Node { walk: &mut *walk, holds: Holds::Schema, reachable: false })?
            .is_some()
        {}
        Ok(())
    }

    // Other values hold no annotations.
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

impl Node<'_> {
    /// Walks the members of one schema.
    fn schema<'de, A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let (mut names, mut types) = (Vec::new(), Vec::new());
        while let Some(keyword) = map.next_key::<String>()? {
            match keyword.as_str() {
                KEYWORD => names.push(map.next_value::<&RawValue>()?.get()),
                "type" => types.push(map.next_value::<&RawValue>()?.get()),
                other => match holds(other) {
                    Some(holds) => {
                        let reachable = self.reachable && holds == Holds::Properties;
                        map.next_value_seed(Node { walk: &mut *self.walk, holds, reachable })?;
                    }
                    None => drop(map.next_value::<IgnoredAny>()?),
                },
            }
        }
        if self.walk.fault.is_none() {
            self.walk.fault = self.annotate(&names, &types).err();
        }
        Ok(())
    }

    /// Walks schemas by name.
    fn named<'de, A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            self.walk.path.push(name);
            let node = Node { walk: &mut *self.walk, holds: Holds::Schema, reachable: self.reachable };
            map.next_value_seed(node)?;
            self.walk.path.pop();
        }
        Ok(())
    }

    /// Checks the annotation of one schema. The arguments are all values of the keyword and of `type`, as JSON.
    fn annotate(&mut self, names: &[&str], types: &[&str]) -> Result<(), String> {
        let Some(first) = names.first() else { return Ok(()) };
        let place: String = self.walk.path.join(".").chars().take(100).collect();
        let fault = |why: &str| Err(format!("`{KEYWORD}` at `{place}`: {why}"));
        if names.len() > 1 {
            return fault("it occurs twice");
        }
        if self.walk.path.iter().map(String::len).sum::<usize>() > MAX_PATH {
            return fault(&format!("the names of the properties are longer than {MAX_PATH} bytes in total"));
        }
        if !self.reachable || self.walk.path.is_empty() {
            return fault("not reachable from the root through `properties` alone");
        }
        if !matches!(types, ["\"string\"" | "\"integer\"" | "\"boolean\""]) {
            return fault("the type must be string, integer or boolean");
        }
        let name = serde_json::from_str::<String>(first).unwrap_or_default();
        if name.len() > MAX_NAME || !is_token(name.as_bytes()) {
            return fault("the name is not a header token");
        }
        // `HeaderName` is lower case, so names that differ only in case are the same header.
        let Ok(header) = HeaderName::from_bytes(format!("{PARAM_PREFIX}{name}").as_bytes()) else {
            return fault("the name is not a header token");
        };
        if self.walk.found.iter().any(|annotation| annotation.header == header) {
            return fault("the name is used twice");
        }
        if self.walk.found.len() == MAX_ANNOTATIONS {
            return fault(&format!("more than {MAX_ANNOTATIONS} annotations"));
        }
        self.walk.found.push(Annotation { path: self.walk.path.clone(), header });
        Ok(())
    }
}
