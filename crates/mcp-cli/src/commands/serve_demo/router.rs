//! What the demo server serves beside its tools: resources, a template, a prompt, completion.

use mcp_core::message::{ErrorObject, RawJson};
use mcp_core::model::{CompleteParams, Resource};
use mcp_core::server::{HandlerError, PromptDef, Router, TemplateDef};

use super::notes::Notes;
use super::tools;

const README: &str = "demo://readme";
const CITIES: [&str; 5] = ["Lima", "Lisbon", "London", "Oslo", "Paris"];

/// Everything that the demo server serves.
pub(super) fn router(notes: &Notes) -> Router {
    let router = Router::new().resources_list_changed().subscribe().logging();
    let router = tools::register(router, notes);
    let listed = notes.clone();
    let read = notes.clone();
    router
        // The list grows, so it is computed each time.
        .list_resources(move |_| {
            let readme = Resource::new(README, "readme").with_mime_type("text/plain");
            let list = [readme].into_iter().chain(listed.entries()).collect();
            async move { Ok(list) }
        })
        .resource_template(
            TemplateDef::new("demo://{+path}", "demo texts")
                .description("demo://readme and demo://note/NUMBER")
                .mime_type("text/plain"),
            move |uri, _| {
                let notes = read.clone();
                async move { contents(&notes, &uri) }
            },
        )
        .prompt(
            PromptDef::new("greet").description("Asks for a greeting").argument("city", "Where", true),
            |arguments, _| async move { greeting(&arguments) },
        )
        .completion(|params, _| async move { Ok(completion(&params)) })
}

fn contents(notes: &Notes, uri: &str) -> Result<&'static str, HandlerError> {
    match uri {
        README => Ok("A server to try things on."),
        _ if notes.has(uri) => Ok("A note that the tool `touch` left."),
        _ => Err(ErrorObject::resource_not_found(uri).into()),
    }
}

fn greeting(arguments: &RawJson) -> Result<String, HandlerError> {
    let city = arguments
        .member("city")
        .and_then(|city| city.to_text())
        .ok_or_else(|| ErrorObject::invalid_params("the argument \"city\" has to be a string"))?;
    Ok(format!("Greet a visitor from {city} in one line."))
}

/// Cities that start with what was typed.
fn completion(params: &CompleteParams) -> Vec<String> {
    let typed = params.argument.value.to_lowercase();
    let fits = CITIES.iter().filter(|city| city.to_lowercase().starts_with(&typed));
    fits.map(|city| (*city).to_owned()).collect()
}
