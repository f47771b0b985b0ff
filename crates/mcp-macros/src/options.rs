//! The options of the attribute, and the description in a doc comment.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Expr, ExprLit, Ident, Lit, LitBool, LitStr, Meta, Result, Token};

/// What the attribute says about a tool.
#[derive(Default)]
pub(crate) struct Options {
    /// Where the first option is.
    pub(crate) first: Option<Span>,
    pub(crate) name: Option<LitStr>,
    title: Option<LitStr>,
    description: Option<LitStr>,
    read_only: bool,
    idempotent: bool,
    destructive: Option<LitBool>,
    open_world: Option<LitBool>,
}

const KNOWN: &str = "expected `name = \"...\"`, `title = \"...\"`, `description = \"...\"`, `read_only`, `idempotent`, \
                     `destructive = false` or `open_world = false`";

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> Result<Options> {
        let mut options = Options::default();
        while !input.is_empty() {
            let key: Ident = input.parse()?;
            options.first.get_or_insert(key.span());
            match key.to_string().as_str() {
                "read_only" => options.read_only = true,
                "idempotent" => options.idempotent = true,
                "name" => options.name = Some(value(input)?),
                "title" => options.title = Some(value(input)?),
                "description" => options.description = Some(value(input)?),
                "destructive" => options.destructive = Some(value(input)?),
                "open_world" => options.open_world = Some(value(input)?),
                _ => return Err(syn::Error::new(key.span(), KNOWN)),
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(options)
    }
}

fn value<T: Parse>(input: ParseStream<'_>) -> Result<T> {
    input.parse::<Token![=]>()?;
    input.parse()
}

impl Options {
    /// The definition of the tool with this name, as an expression.
    pub(crate) fn definition(&self, function: &Ident, attributes: &[Attribute]) -> TokenStream {
        let span = function.span();
        let own = LitStr::new(function.to_string().trim_start_matches("r#"), span);
        let name = self.name.as_ref().unwrap_or(&own);
        let mut definition = quote_spanned!(span=> ::mcp_core::server::ToolDef::new(#name));
        if let Some(title) = &self.title {
            definition.extend(quote!(.title(#title)));
        }
        let documented = doc(attributes);
        let described = self.description.as_ref().map(LitStr::value).or(documented);
        if let Some(text) = described {
            definition.extend(quote!(.description(#text)));
        }
        if self.read_only {
            definition.extend(quote!(.read_only()));
        }
        if self.idempotent {
            definition.extend(quote!(.idempotent()));
        }
        if let Some(destructive) = &self.destructive {
            definition.extend(quote!(.destructive(#destructive)));
        }
        if let Some(open) = &self.open_world {
            definition.extend(quote!(.open_world(#open)));
        }
        definition
    }
}

/// The text of a doc comment, without the space that `///` leaves before each line.
pub(crate) fn doc(attributes: &[Attribute]) -> Option<String> {
    let lines: Vec<String> = attributes.iter().filter_map(line).collect();
    let text = lines.iter().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n");
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn line(attribute: &Attribute) -> Option<String> {
    let Meta::NameValue(pair) = &attribute.meta else { return None };
    match &pair.value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if pair.path.is_ident("doc") => Some(text.value()),
        _ => None,
    }
}
