//! Tools from the methods of an `impl`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, FnArg, ImplItem, ImplItemFn, ItemImpl, Result, Type};

use crate::options::Options;
use crate::signature::{self, Parameters};

/// The `impl` as it is, and an implementation of `ToolSet` for its type.
pub(crate) fn expand(options: &Options, mut block: ItemImpl) -> Result<TokenStream> {
    if let Some(span) = options.first {
        let what = "the options of a tool are written at its method: `#[tool(name = \"...\")]`";
        return Err(syn::Error::new(span, what));
    }
    if !block.generics.params.is_empty() {
        let what = "the type of tools cannot be generic: write the `impl` for one concrete type";
        return Err(syn::Error::new_spanned(&block.generics, what));
    }
    let ty = (*block.self_ty).clone();
    let mut definitions = Vec::new();
    let mut registered = Vec::new();
    for item in &mut block.items {
        let ImplItem::Fn(method) = item else { continue };
        let options = take_options(&mut method.attrs)?;
        if method.sig.asyncness.is_none() && options.is_none() {
            continue;
        }
        let (definition, register) = tool(&ty, &options.unwrap_or_default(), method)?;
        definitions.push(definition);
        registered.push(register);
    }
    if registered.is_empty() {
        let what = "there is no tool in this `impl`: a tool is an `async fn` that takes `&self`";
        return Err(syn::Error::new_spanned(&block.self_ty, what));
    }
    let state = quote!(::mcp_core::server::State<#ty>);
    Ok(quote! {
        #block

        const _: () = {
            #(#definitions)*

            impl ::mcp_core::server::ToolSet<#state> for #ty {
                fn add_to(router: ::mcp_core::server::Router<#state>) -> ::mcp_core::server::Router<#state> {
                    router #(#registered)*
                }
            }
        };
    })
}

/// The definition of the arguments of a method, and its registration.
fn tool(ty: &Type, options: &Options, method: &mut ImplItemFn) -> Result<(TokenStream, TokenStream)> {
    let receiver = match method.sig.inputs.first() {
        Some(FnArg::Receiver(receiver)) if receiver.reference.is_some() && receiver.mutability.is_none() => {
            true
        }
        Some(FnArg::Receiver(receiver)) => {
            let what = "a tool takes `&self`: calls run concurrently; put what changes behind a lock";
            return Err(syn::Error::new_spanned(receiver, what));
        }
        _ => false,
    };
    let Parameters { definition, arguments, passed, .. } = signature::read(&mut method.sig)?;
    let name = &method.sig.ident;
    let tool = options.definition(name, &method.attrs);
    let this = receiver.then(|| quote!(&__state,));
    let register = quote! {
        .tool_typed(#tool, |__state: ::mcp_core::server::State<#ty>, __arguments: #arguments, __context| async move {
            let _ = (&__state, &__arguments, &__context);
            ::mcp_core::server::IntoOutcome::into_outcome(<#ty>::#name(#this #(#passed),*).await)
        })
    };
    Ok((definition, register))
}

/// Takes the attribute `tool` of a method.
fn take_options(attributes: &mut Vec<Attribute>) -> Result<Option<Options>> {
    let is_tool =
        |attribute: &Attribute| attribute.path().segments.last().is_some_and(|last| last.ident == "tool");
    let Some(at) = attributes.iter().position(is_tool) else { return Ok(None) };
    let attribute = attributes.remove(at);
    match &attribute.meta {
        syn::Meta::Path(_) => Ok(Some(Options::default())),
        _ => attribute.parse_args().map(Some),
    }
}
