//! What the demo server serves beside its tools: resources, a template, a prompt, completion.

use mcp_core::message::{ErrorObject, RawJson};
use mcp_core::server::{Prompt, Router, Template};

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
            let notes = listed.clone();
            async move { Ok::<_, ErrorObject>(list(&notes)) }
        })
        .resource_template(
            Template::new("demo://{+path}", "demo texts").description("demo://readme and demo://note/NUMBER"),
            move |uri, _| {
                let notes = read.clone();
                async move { contents(&notes, &uri) }
            },
        )
        .prompt(
            Prompt::new("greet").description("Asks for a greeting").argument("city", "Where", true),
            |arguments, _| async move { greeting(&arguments) },
        )
        .completion(|params, _| async move { Ok::<_, ErrorObject>(completion(&params)) })
}

fn list(notes: &Notes) -> RawJson {
    let readme = RawJson::object([
        ("uri", RawJson::string(README)),
        ("name", RawJson::string("readme")),
        ("mimeType", RawJson::string("text/plain")),
    ]);
    let entries = [readme].into_iter().chain(notes.entries());
    RawJson::object([("resources", RawJson::array(entries))])
}

fn contents(notes: &Notes, uri: &str) -> Result<RawJson, ErrorObject> {
    let text = match uri {
        README => "A server to try things on.",
        _ if notes.has(uri) => "A note that the tool `touch` left.",
        _ => return Err(ErrorObject::resource_not_found(uri)),
    };
    let contents = RawJson::object([
        ("uri", RawJson::string(uri)),
        ("mimeType", RawJson::string("text/plain")),
        ("text", RawJson::string(text)),
    ]);
    Ok(RawJson::object([("contents", RawJson::array([contents]))]))
}

fn greeting(arguments: &RawJson) -> Result<RawJson, ErrorObject> {
    let city = arguments
        .member("city")
        .and_then(|city| city.to_text())
        .ok_or_else(|| ErrorObject::invalid_params("the argument \"city\" has to be a string"))?;
    let content = RawJson::object([
        ("type", RawJson::string("text")),
        ("text", RawJson::string(&format!("Greet somebody from {city} in one line."))),
    ]);
    let message = RawJson::object([("role", RawJson::string("user")), ("content", content)]);
    Ok(RawJson::object([("messages", RawJson::array([message]))]))
}

/// Cities that start with what was typed.
fn completion(params: &RawJson) -> RawJson {
    let typed = params
        .member("argument")
        .and_then(|argument| argument.member("value"))
        .and_then(|value| value.to_text())
        .unwrap_or_default()
        .to_lowercase();
    let fits = CITIES.iter().filter(|city| city.to_lowercase().starts_with(&typed));
    let values = RawJson::array(fits.map(|city| RawJson::string(city)));
    RawJson::object([("completion", RawJson::object([("values", values)]))])
}
