//! A tool from a function.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{FnArg, ItemFn, Result};

use crate::options::Options;
use crate::signature::{self, Parameters};

/// The function as it is, and a type of its name that registers it: functions and types have separate names.
pub(crate) fn expand(options: Options, mut function: ItemFn) -> Result<TokenStream> {
    if let Some(FnArg::Receiver(receiver)) = function.sig.inputs.first() {
        let what = "write `#[mcp_core::tool]` above the `impl`: every async method in it is a tool then";
        return Err(syn::Error::new_spanned(receiver, what));
    }
    let Parameters { state, arguments, definition, passed } = signature::read(&mut function.sig)?;
    let name = &function.sig.ident;
    let visibility = &function.vis;
    let tool = options.definition(name, &function.attrs);
    // Only names that are used: an unused parameter of a closure is a warning.
    let call = quote!(async move {
        let _ = (&__arguments, &__context);
        ::mcp_core::server::IntoOutcome::into_outcome(#name(#(#passed),*).await)
    });
    let (generics, router, register) = match state {
        Some(state) => (
            quote!(),
            quote!(::mcp_core::server::State<#state>),
            quote!(router.tool_typed(#tool, |__state: ::mcp_core::server::State<#state>, __arguments: #arguments, __context| #call)),
        ),
        None => (
            quote!(<S>),
            quote!(S),
            quote!(router.merge(::mcp_core::server::Router::new().tool_typed(#tool, |__arguments: #arguments, __context| #call))),
        ),
    };
    Ok(quote! {
        #function

        #[doc = concat!("Registers the tool `", stringify!(#name), "` with `Router::tools`.")]
        #[allow(non_camel_case_types)]
        #visibility struct #name {}

        const _: () = {
            #definition

            impl #generics ::mcp_core::server::ToolSet<#router> for #name {
                fn add_to(router: ::mcp_core::server::Router<#router>) -> ::mcp_core::server::Router<#router> {
                    #register
                }
            }
        };
    })
}
