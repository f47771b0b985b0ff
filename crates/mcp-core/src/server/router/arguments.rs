//! Types that closures take as their arguments.

#[cfg(feature = "schemars")]
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

/// A type that arguments are read as: every type that implements [`Deserialize`](serde::Deserialize) and borrows
/// nothing.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from arguments",
    label = "does not implement `serde::Deserialize`",
    note = "derive it: `#[derive(serde::Deserialize)]`, with the feature `derive` of serde"
)]
pub trait Arguments: DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned> Arguments for T {}

/// A type that arguments are read as, and whose schema is derived: every type that implements
/// [`Deserialize`](serde::Deserialize) and [`JsonSchema`].
#[cfg(feature = "schemars")]
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no derived schema, or cannot be read from arguments",
    label = "does not implement `serde::Deserialize` and `schemars::JsonSchema`",
    note = "derive both: `#[derive(serde::Deserialize, schemars::JsonSchema)]`",
    note = "with a schema that is written by hand, `tool_with` or `prompt_with` need `Deserialize` only"
)]
pub trait TypedArguments: Arguments + JsonSchema {}

#[cfg(feature = "schemars")]
#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned + JsonSchema> TypedArguments for T {}
