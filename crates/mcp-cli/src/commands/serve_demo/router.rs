//! What the demo server serves beside its tools: resources, a template, a prompt, completion.

use mcp_core::message::{ErrorObject, RawJson};
use mcp_core::model::{
    CompleteParams, CompleteResult, Completion, Content, GetPromptResult, ListResourcesResult, PromptMessage,
    ReadResourceResult, Resource, ResourceContents, Role,
};
use mcp_core::server::{PromptDef, Router, TemplateDef};

use super::notes::Notes;
use super::tools;

const README: &str = "demo://readme";
const CITIES: [&str; 5] = ["Lima", "Lisbon", "London", "Oslo", "Paris"];

/// Everything that the demo server serves.
pub(super) fn router(notes: &Notes) -> Router {
    let router = Router::new().list_changed().subscribe().logging();
    let router = tools::register(router, notes);
    let listed = notes.clone();
    let read = notes.clone();
    router
        // The list grows, so it is made here and not by the router.
        .method("resources/list", move |_, _| {
            let list = list(&listed);
            async move { Ok(list) }
        })
        .resource_template(
            TemplateDef::new("demo://{+path}", "demo texts")
                .description("demo://readme and demo://note/NUMBER"),
            move |uri, _| {
                let notes = read.clone();
                async move { contents(&notes, &uri) }
            },
        )
        .prompt(
            PromptDef::new("greet").description("Asks for a greeting").argument("city", "Where", true),
            |arguments, _| async move { greeting(&arguments) },
        )
        .completion(|params, _| async move { completion(&params) })
}

fn list(notes: &Notes) -> ListResourcesResult {
    let readme = Resource::new(README, "readme").with_mime_type("text/plain");
    [readme].into_iter().chain(notes.entries()).collect()
}

fn contents(notes: &Notes, uri: &str) -> Result<ReadResourceResult, ErrorObject> {
    let text = match uri {
        README => "A server to try things on.",
        _ if notes.has(uri) => "A note that the tool `touch` left.",
        _ => return Err(ErrorObject::resource_not_found(uri)),
    };
    let contents = ResourceContents::text(uri, text).with_mime_type("text/plain");
    Ok(ReadResourceResult::new().with_contents([contents]))
}

fn greeting(arguments: &RawJson) -> Result<GetPromptResult, ErrorObject> {
    let city = arguments
        .member("city")
        .and_then(|city| city.to_text())
        .ok_or_else(|| ErrorObject::invalid_params("the argument \"city\" has to be a string"))?;
    let request = Content::text(format!("Greet a visitor from {city} in one line."));
    Ok(GetPromptResult::new().with_messages([PromptMessage::new(Role::User, request)]))
}

/// Cities that start with what was typed.
fn completion(params: &RawJson) -> Result<CompleteResult, ErrorObject> {
    let params: CompleteParams =
        params.deserialize().map_err(|error| ErrorObject::invalid_params(error.to_string()))?;
    let typed = params.argument.value.to_lowercase();
    let fits = CITIES.iter().filter(|city| city.to_lowercase().starts_with(&typed));
    Ok(CompleteResult::new(Completion::of(fits.map(|city| (*city).to_owned()).collect())))
}
