//! A notes server: `notes` serves stdin and stdout, `notes --http 127.0.0.1:8080` serves HTTP. Over HTTP each caller has
//! a token and separate notes: `NOTES_TOKENS=ada=t0ken,bob=s3cret`.

mod store;

use mcp_core::model::Resource;
use mcp_core::server::{Context, HandlerError, Json, Router, Server, State, TemplateDef};
use mcp_core::session::Change;
use mcp_core::transport::{Identity, async_trait};
use mcp_http::server::{Authenticate, Denied, RequestHead};
use mcp_http::{HttpServer, Secret};
use schemars::JsonSchema;
use serde::Deserialize;
use store::{Hits, Notes};

#[derive(Deserialize, JsonSchema)]
struct Confirm {
    sure: bool,
}

#[derive(Deserialize, JsonSchema)]
struct Numbered {
    /// The number of the note
    number: u32,
}

#[mcp_core::tool]
impl Notes {
    /// Keeps a note and returns its number
    async fn add_note(&self, text: String, context: Context) -> Result<String, HandlerError> {
        let number = self.insert(&context.owner(), text)?;
        context.publish_to(&context.owner(), Change::ResourcesList);
        Ok(format!("added note {number}"))
    }

    /// Replaces the text of a note
    #[tool(idempotent)]
    async fn edit_note(&self, number: u32, text: String, context: Context) -> Result<String, HandlerError> {
        self.change(&context.owner(), number, text)?;
        context.publish_to(&context.owner(), Change::Resource { uri: format!("note://{number}") });
        Ok(format!("changed note {number}"))
    }

    /// Finds notes that contain a text
    #[tool(read_only)]
    async fn find_notes(&self, text: String, context: Context) -> Result<Json<Hits>, HandlerError> {
        Ok(Json(self.search(&context.owner(), &text)?))
    }

    /// Deletes all notes, if the user agrees
    async fn delete_notes(&self, context: Context) -> Result<String, HandlerError> {
        // Runs again from here once the user has answered: nothing is changed before the question.
        let question = format!("Delete {} notes?", self.numbers(&context.owner())?.len());
        let sure = context.ask::<Confirm>(&question).await?.sure;
        let deleted = if sure { self.clear(&context.owner())? } else { 0 };
        context.publish_to(&context.owner(), Change::ResourcesList);
        Ok(format!("deleted {deleted} notes"))
    }

    /// Checks the spelling of all notes
    #[tool(read_only)]
    async fn check_notes(&self, context: Context) -> Result<String, HandlerError> {
        let notes = self.numbers(&context.owner())?;
        for (done, number) in notes.iter().enumerate() {
            context.progress(done as f64, Some(notes.len() as f64), None).await;
            tokio::select! {
                () = tokio::time::sleep(std::time::Duration::from_millis(20)) => {}
                () = context.cancelled() => return Err(format!("cancelled at note {number}").into()),
            }
        }
        Ok(format!("checked {} notes", notes.len()))
    }
}

struct Tokens(String);

#[async_trait]
impl Authenticate for Tokens {
    async fn authenticate(&self, head: RequestHead<'_>) -> Result<Identity, Denied> {
        let sent =
            head.headers.get("authorization").and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        let sent = sent.map(Secret::from);
        let mut known = self.0.split(',').filter_map(|pair| pair.split_once('='));
        let caller = known.find(|(_, token)| sent == Some(Secret::from(*token)));
        caller.map(|(user, _)| Identity::new(user)).ok_or_else(|| Denied::unauthorized("Bearer"))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let router = Router::with_state(Notes::open("notes.db")?)
        .tools::<Notes>()
        .resources_list_changed()
        .subscribe()
        .list_resources(async |notes, context| {
            let note = |number| Resource::new(format!("note://{number}"), format!("note {number}"));
            Ok(notes.numbers(&context.owner())?.into_iter().map(note).collect())
        })
        .resource_template_with(
            TemplateDef::new("note://{number}", "note"),
            async |notes, note: Numbered, context| Ok(notes.get(&context.owner(), note.number)?),
        )
        .prompt_typed("summarize", async |notes: State<Notes>, note: Numbered, context| {
            Ok(format!("Summarize this note:\n\n{}", notes.get(&context.owner(), note.number)?))
        });
    let server = Server::builder("notes", "1.0.0").build(router)?;
    let Some(address) = std::env::args().skip_while(|word| word != "--http").nth(1) else {
        server.serve(mcp_stdio::stdio()?).await;
        return Ok(());
    };
    let tokens = Tokens(std::env::var("NOTES_TOKENS")?);
    let bound = HttpServer::new(server).authenticate(tokens).bind(address).await?;
    eprintln!("listening on {}", bound.url()?);
    bound.serve().await;
    Ok(())
}
