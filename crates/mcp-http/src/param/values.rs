//! Reads the values of all annotated arguments, in one pass over each object that holds some.

#![expect(clippy::indexing_slicing, reason = "indices count the annotations, and there is a value for each")]

use std::collections::HashMap;

use mcp_core::message::RawJson;

use super::{Annotation, Number, ParamError, Value, number};

type Read = Result<Option<Value>, ParamError>;

// HDR-C-016, HDR-C-017, T-30, FAULT F-A13.
/// The values at the annotations' paths, in the order of the annotations. `None` where a value is absent or null.
///
/// The value's own type decides how it is copied, not the declared one: a value of a wrong type is the tool's to refuse,
/// and a header check in front of it must not hide that. A fraction, an array or an object has no header.
///
/// An error is an integer beyond 2^53-1, or a key on the path that stands there twice: two readers would read two values.
pub(crate) fn values(arguments: Option<&RawJson>, annotations: &[Annotation]) -> Vec<Read> {
    let mut values = vec![Ok(None); annotations.len()];
    if let Some(arguments) = arguments
        && !annotations.is_empty()
    {
        let all: Vec<usize> = (0..annotations.len()).collect();
        read(arguments, 0, &all, annotations, &mut values);
    }
    values
}

/// A member on the paths of some annotations.
struct Member {
    /// The indices of those annotations.
    of: Vec<usize>,
    value: Option<RawJson>,
    twice: bool,
}

/// Reads the annotations `of` below an object that is at this depth of their paths.
fn read(object: &RawJson, depth: usize, of: &[usize], annotations: &[Annotation], values: &mut [Read]) {
    let mut members: HashMap<&str, Member> = HashMap::new();
    for index in of {
        if let Some(key) = annotations[*index].path.get(depth) {
            let member = || Member { of: Vec::new(), value: None, twice: false };
            members.entry(key).or_insert_with(member).of.push(*index);
        }
    }
    object.for_each_member(|name, value| {
        if let Some(member) = members.get_mut(name) {
            member.twice |= member.value.is_some();
            member.value.get_or_insert(value);
        }
    });
    for (key, Member { of, value, twice }) in members {
        let Some(value) = value else { continue };
        if twice {
            for index in of {
                values[index] = Err(ParamError::Duplicate(key.to_owned()));
            }
            continue;
        }
        let (here, below): (Vec<usize>, Vec<usize>) =
            of.into_iter().partition(|index| annotations[*index].path.len() == depth + 1);
        for index in here {
            values[index] = copied(&value, &annotations[index]);
        }
        if !below.is_empty() {
            read(&value, depth + 1, &below, annotations, values);
        }
    }
}

/// A value as it is copied.
fn copied(value: &RawJson, annotation: &Annotation) -> Read {
    Ok(match value.as_bytes() {
        b"true" => Some(Value::Text("true".to_owned())),
        b"false" => Some(Value::Text("false".to_owned())),
        [b'"', ..] => value.to_text().map(Value::Text),
        [b'-' | b'0'..=b'9', ..] => match number::json_number(value.as_bytes()) {
            Number::Integer(number) => Some(Value::Integer(number)),
            Number::Unsafe => return Err(ParamError::UnsafeInteger(annotation.path.join("."))),
            Number::Fraction => None,
        },
        _ => None,
    })
}
