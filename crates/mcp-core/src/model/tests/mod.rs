//! The types against the specification's own examples, and the cases that break others.

mod builders;
mod examples;
mod keeping;
mod leniency;

use crate::Error;
use crate::message::RawJson;
use crate::model::Model;

fn raw(text: &str) -> RawJson {
    RawJson::parse(text.to_owned()).unwrap()
}

fn read<T: Model>(text: &str) -> T {
    T::from_raw(&raw(text)).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// What the refusal says.
fn refused<T: Model + std::fmt::Debug>(text: &str) -> String {
    match T::from_raw(&raw(text)) {
        Err(Error::Violation(why)) => why,
        other => panic!("{other:?}: {text}"),
    }
}

/// Reads and writes, and gives what came out.
fn again<T: Model>(text: &str) -> String {
    read::<T>(text).to_raw().to_string()
}
