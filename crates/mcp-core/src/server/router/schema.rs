//! Schemas derived from types (feature `schemars`).

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde::Serialize;

use crate::message::RawJson;
use crate::model::{CallToolResult, Content};

use super::{IntoToolReply, Json, PromptDef, ToolDef, ToolReply};

/// What the closure of a [`Router::tool_typed`](super::Router::tool_typed) may return: what [`IntoToolReply`] lists. A [`Json`] needs a
/// value that also implements [`JsonSchema`].
#[diagnostic::on_unimplemented(
    message = "a typed tool cannot return `{Self}`",
    label = "not a typed tool's result",
    note = "wrap a value in `mcp_core::server::Json`, and derive `serde::Serialize` and `schemars::JsonSchema` \
            for its type",
    note = "a tool also returns text, `model::CallToolResult`, `RawJson` or `ToolReply`"
)]
pub trait ToolOutput: IntoToolReply {
    /// The schema of the structured content: an object schema. `None` if there is no structured content.
    fn output_schema() -> Option<RawJson> {
        None
    }
}

impl ToolOutput for String {}
impl ToolOutput for &str {}
/// A complete `CallToolResult`. Declare the schema of its structured content with [`ToolDef::output`].
impl ToolOutput for RawJson {}
impl ToolOutput for ToolReply {}
impl ToolOutput for CallToolResult {}
impl ToolOutput for Content {}
impl ToolOutput for Vec<Content> {}
impl ToolOutput for () {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + JsonSchema> ToolOutput for Json<T> {
    fn output_schema() -> Option<RawJson> {
        let schema = of_output::<T>();
        is_object(&schema).then(|| text(&schema))
    }
}

impl ToolDef {
    /// A tool whose input schema comes from a type. The type's doc comments describe the arguments to the
    /// model.
    pub fn typed<Args: JsonSchema>(name: &str) -> ToolDef {
        ToolDef::new(name).takes::<Args>()
    }

    /// Sets the input schema of this type. A type whose values are not JSON objects, such as `u8`, cannot be
    /// the arguments of a tool: the server is not built.
    fn takes<Args: JsonSchema>(self) -> ToolDef {
        let mut schema = settings().into_generator().into_root_schema_for::<Args>();
        // The name of a Rust type tells the model nothing.
        schema.remove("title");
        // The schema of an enum of several objects has no `type`, which the protocol requires.
        if schema.get("type").is_none() {
            schema.insert("type".to_owned(), "object".into());
        }
        if !is_object(&schema) {
            let name = std::any::type_name::<Args>();
            return self.broken(format!("its arguments' type {name} is not an object"));
        }
        self.with("inputSchema", text(&schema))
    }

    /// Sets the schema of the structured content from a type. Needed where the closure returns a
    /// [`ToolReply`], because it also asks for input, for example. A type whose values are not objects sets
    /// none: revisions before 2026-07-28 allow no other structured content.
    #[must_use]
    pub fn output<T: JsonSchema>(self) -> ToolDef {
        let schema = of_output::<T>();
        if is_object(&schema) { self.with("outputSchema", text(&schema)) } else { self }
    }
}

/// The definition with the schemas of these types.
pub(super) fn typed_tool<Args: JsonSchema, R: ToolOutput>(tool: ToolDef) -> ToolDef {
    let tool = tool.takes::<Args>();
    match R::output_schema() {
        Some(schema) => tool.with("outputSchema", schema),
        None => tool,
    }
}

/// The definition with the members of this type as arguments.
pub(super) fn typed_prompt<Args: JsonSchema>(prompt: PromptDef) -> PromptDef {
    let schema = settings().into_generator().into_root_schema_for::<Args>();
    let raw = text(&schema);
    if !is_object(&schema) {
        let name = std::any::type_name::<Args>();
        return prompt.broken(format!("its arguments' type {name} is not an object"));
    }
    let required: Vec<String> =
        raw.member("required").iter().flat_map(RawJson::elements).filter_map(|name| name.to_text()).collect();
    let properties = raw.member("properties").map(|properties| properties.members()).unwrap_or_default();
    properties.into_iter().fold(prompt, |prompt, (name, schema)| {
        let description = schema.member("description").and_then(|text| text.to_text()).unwrap_or_default();
        prompt.argument(&name, &description, required.contains(&name))
    })
}

/// The schema of a form, as an elicitation requires it: a flat object of primitive members, without
/// references.
///
/// # Errors
///
/// The name of the member that is not primitive, or of the type that is not an object.
pub(in crate::server) fn form<T: JsonSchema>() -> Result<RawJson, String> {
    let settings = settings().with(|settings| settings.inline_subschemas = true);
    let schema = text(&settings.into_generator().into_root_schema_for::<T>());
    if !is_kind(&schema, "object") {
        return Err(format!("the form {} is not an object", std::any::type_name::<T>()));
    }
    let mut members = Vec::new();
    for (name, member) in schema.member("properties").map(|members| members.members()).unwrap_or_default() {
        let plain = primitive(&member).ok_or_else(|| {
            format!("the member {name:?} of the form {} is not primitive", std::any::type_name::<T>())
        })?;
        members.push((name, plain));
    }
    let properties = RawJson::object(members.iter().map(|(name, member)| (name.as_str(), member.clone())));
    let mut form = vec![("type", RawJson::string("object")), ("properties", properties)];
    form.extend(schema.member("required").map(|required| ("required", required)));
    Ok(RawJson::object(form))
}

/// The formats that a form may name.
const FORMATS: [&str; 4] = ["email", "uri", "date", "date-time"];

/// A member of a form without what clients need not understand: `null` of an `Option`, formats of numbers.
fn primitive(member: &RawJson) -> Option<RawJson> {
    let kinds = member.member("type")?;
    let kind = kinds.to_text().or_else(|| {
        // An `Option`.
        let mut kinds = kinds.elements().into_iter().filter_map(|kind| kind.to_text());
        kinds.find(|kind| kind != "null")
    })?;
    matches!(kind.as_str(), "string" | "number" | "integer" | "boolean").then_some(())?;
    let format = member.member("format").and_then(|format| format.to_text());
    let known = format.is_none_or(|format| FORMATS.contains(&format.as_str()));
    let plain = member.without_members(if known { &[] } else { &["format"] });
    // An `Option` of an enum lists `null` among its values.
    let values = plain.member("enum").map(|values| values.elements());
    let values = values.map(|values| RawJson::array(values.into_iter().filter(|value| !value.is_null())));
    let plain = match &values {
        Some(values) => plain.with_members(&[("enum", values)]),
        None => plain,
    };
    Some(plain.with_members(&[("type", &RawJson::string(&kind))]))
}

fn is_kind(schema: &RawJson, kind: &str) -> bool {
    schema.member("type").and_then(|kind| kind.to_text()).as_deref() == Some(kind)
}

/// The dialect that applies where a schema names none.
// SEC-B-012.
fn settings() -> SchemaSettings {
    SchemaSettings::draft2020_12().with(|settings| settings.meta_schema = None)
}

fn of_output<T: JsonSchema>() -> Schema {
    settings().for_serialize().into_generator().into_root_schema_for::<T>()
}

fn is_object(schema: &Schema) -> bool {
    schema.get("type").is_some_and(|kind| kind == "object")
}

/// Cannot fail: a schema is a JSON object.
fn text(schema: &Schema) -> RawJson {
    RawJson::serialize(schema).unwrap_or_default()
}
