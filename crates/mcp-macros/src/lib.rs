//! The attribute `tool` of `mcp-core`. Do not depend on this crate: turn on the feature `macros` of `mcp-core`, and
//! write `#[mcp_core::tool]`. It is documented there.

// What a peer or a user sends must not panic. A place that stays gives its reason.
#![cfg_attr(
    not(test),
    warn(
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::string_slice,
        clippy::unimplemented,
        clippy::unreachable
    )
)]

mod function;
mod methods;
mod options;
mod signature;

use proc_macro::TokenStream;
use syn::{Item, parse_macro_input};

use options::Options;

/// Makes a tool of an `async fn`, or tools of the `async` methods of an `impl`.
///
/// It writes what the builder of [`Router`](https://docs.rs/mcp-core/latest/mcp_core/server/struct.Router.html) could say: the
/// name is that of the function, the description its doc comment, the schema comes from the parameters. Register the
/// tools with `Router::tools`.
///
/// # Parameters
///
/// - [`Context`](https://docs.rs/mcp-core/latest/mcp_core/server/struct.Context.html) is the request.
/// - [`State<T>`](https://docs.rs/mcp-core/latest/mcp_core/server/struct.State.html) is the value of
///   `Router::with_state`. The methods of an `impl` have `&self` instead.
/// - A parameter named `arguments` or `args` takes all arguments as one type, which derives `Deserialize` and
///   `JsonSchema`.
/// - Each other parameter is one argument. Its type implements `Deserialize` and `JsonSchema`; an `Option` may be absent.
///   Doc comments describe it, and attributes of serde and schemars, such as `#[serde(default)]`, apply to it.
///
/// # Results
///
/// What `IntoToolReply` lists, or a `Result` of it with any error.
///
/// # Options
///
/// `name = "..."`, `title = "..."`, `description = "..."`, and the hints `read_only`, `idempotent`, `destructive = false`,
/// `open_world = false`. In an `impl` they are written at the method, as `#[tool(read_only)]`.
///
/// # Methods
///
/// Every `async` method of the `impl` is a tool. Write other methods that are `async` in another `impl`.
#[proc_macro_attribute]
pub fn tool(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let options = parse_macro_input!(attribute as Options);
    let expanded = match parse_macro_input!(item as Item) {
        Item::Fn(function) => function::expand(options, function),
        Item::Impl(block) => methods::expand(&options, block),
        other => {
            Err(syn::Error::new_spanned(other, "a tool is an `async fn` or an `impl` with async methods"))
        }
    };
    expanded.unwrap_or_else(syn::Error::into_compile_error).into()
}
