//! The parameters of a tool's function: which are arguments, and what the closure passes on.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::{Attribute, FnArg, GenericArgument, Ident, Pat, PathArguments, Result, Signature, Token, Type};

/// What the parameters say.
pub(crate) struct Parameters {
    /// The type of the state, if a parameter takes it.
    pub(crate) state: Option<Type>,
    /// The type of the arguments object, and its definition if the parameters are its members.
    pub(crate) arguments: TokenStream,
    pub(crate) definition: TokenStream,
    /// What the function is called with, after `self`.
    pub(crate) passed: Vec<TokenStream>,
}

/// Reads the parameters, and takes the attributes from them, which a function cannot have.
pub(crate) fn read(signature: &mut Signature) -> Result<Parameters> {
    if signature.asyncness.is_none() {
        return Err(syn::Error::new_spanned(
            signature.fn_token,
            "a tool is an `async fn`: write `async` here",
        ));
    }
    if !signature.generics.params.is_empty() {
        let what = "a tool cannot be generic: its schema is made from the types of its parameters";
        return Err(syn::Error::new_spanned(&signature.generics, what));
    }
    let name = &signature.ident;
    let mut state = None;
    let mut whole = None;
    let mut members = Vec::new();
    let mut passed = Vec::new();
    for parameter in &mut signature.inputs {
        let FnArg::Typed(parameter) = parameter else { continue };
        let attributes = std::mem::take(&mut parameter.attrs);
        let ty = (*parameter.ty).clone();
        if is(&ty, "Context") {
            passed.push(quote!(__context));
            continue;
        }
        if let Some(inner) = state_of(&ty) {
            state = Some(inner);
            passed.push(quote!(__state));
            continue;
        }
        let Pat::Ident(pattern) = &*parameter.pat else {
            let what = "an argument of a tool needs a name: write `name: Type`";
            return Err(syn::Error::new_spanned(&parameter.pat, what));
        };
        if matches!(ty, Type::Reference(_)) {
            let what = "an argument of a tool is owned: write `String` instead of `&str`, `Vec<T>` instead of `&[T]`";
            return Err(syn::Error::new_spanned(&ty, what));
        }
        let ident = pattern.ident.clone();
        if ident == "arguments" || ident == "args" {
            passed.push(quote!(__arguments));
            whole = Some(ty);
        } else {
            passed.push(quote!(__arguments.#ident));
            members.push((attributes, ident, ty));
        }
    }
    if let (Some(whole), Some((_, member, _))) = (&whole, members.first()) {
        let what = format!("`arguments` takes all arguments, so `{member}` cannot be another one");
        return Err(syn::Error::new_spanned(whole, what));
    }
    let (arguments, definition) = match whole {
        Some(whole) => (quote!(#whole), TokenStream::new()),
        None => object(name, &members),
    };
    Ok(Parameters { state, arguments, definition, passed })
}

/// A struct of the parameters.
fn object(function: &Ident, members: &[(Vec<Attribute>, Ident, Type)]) -> (TokenStream, TokenStream) {
    let name = format_ident!("__ArgumentsOf_{}", function);
    // The compiler reports this one first: it names both derives, the errors of the struct below name one each.
    let checks = members.iter().filter(|(attributes, ..)| !attributes.iter().any(changes_traits));
    let checks = checks.map(
        |(_, _, ty)| quote_spanned!(ty.span()=> const _: fn() = ::mcp_core::__private::is_argument::<#ty>;),
    );
    let checks: TokenStream = checks.collect();
    let members: Punctuated<TokenStream, Token![,]> =
        members.iter().map(|(attributes, ident, ty)| quote!(#(#attributes)* #ident: #ty)).collect();
    let definition = quote! {
        #checks

        #[allow(non_camel_case_types)]
        #[derive(::mcp_core::__private::Deserialize, ::mcp_core::__private::JsonSchema)]
        #[serde(crate = "::mcp_core::__private::serde")]
        #[schemars(crate = "::mcp_core::__private::schemars")]
        struct #name { #members }
    };
    (quote!(#name), definition)
}

/// Whether this attribute may replace the traits of an argument's type, as `#[serde(with = "..")]` does.
fn changes_traits(attribute: &Attribute) -> bool {
    attribute.path().is_ident("serde") || attribute.path().is_ident("schemars")
}

/// Whether the last segment of a type's path is this name.
fn is(ty: &Type, name: &str) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == name))
}

/// The `T` of a `State<T>`.
fn state_of(ty: &Type) -> Option<Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == "State")?;
    let PathArguments::AngleBracketed(generics) = &last.arguments else { return None };
    match generics.args.first() {
        Some(GenericArgument::Type(inner)) => Some(inner.clone()),
        _ => None,
    }
}
