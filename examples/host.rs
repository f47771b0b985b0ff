//! A client host: connects to a server behind a URL or started as a command, shows what it offers, and calls a tool.
//!
//! ```text
//! host COMMAND [ARGUMENT]...           lists the tools of a server
//! host http://127.0.0.1:8080/mcp       the same behind a URL; MCP_TOKEN is sent as a bearer token
//! HOST_CALL='add_note {"text":"a"}' host COMMAND   calls a tool
//! ```

use std::error::Error;
use std::io::Write;
use std::time::Duration;

use mcp_core::client::{Client, ClientBuilder, Question, SubscriptionEvent};
use mcp_core::message::{ErrorObject, RawJson};
use mcp_core::model::{ElicitParams, ElicitResult, Model};
use mcp_core::session::{InputRequest, SubscriptionFilter};
use mcp_http::HttpClient;
use mcp_stdio::ChildCommand;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let target = words.next().ok_or("usage: host COMMAND [ARGUMENT]... | host URL")?;
    let client = if target.starts_with("http") {
        let mut server = HttpClient::new(&target)?;
        if let Ok(token) = std::env::var("MCP_TOKEN") {
            server = server.bearer(token);
        }
        builder().connect(server).await
    } else {
        // Started again by the next call, should it end.
        let server = ChildCommand::new(&target).args(words);
        builder().connect(server).await
    };
    let client = match client {
        Ok(client) => client,
        Err(error) if error.is_unreachable() => {
            return Err(format!("{target} cannot be reached: {error}").into());
        }
        Err(error) if error.is_auth() => return Err(format!("{target} wants another token: {error}").into()),
        Err(error) => return Err(error.into()),
    };

    for tool in client.list_tools().await? {
        println!("{}: {}", tool.name, tool.description.unwrap_or_default());
    }
    if let Ok(call) = std::env::var("HOST_CALL") {
        let (name, arguments) = call.split_once(' ').unwrap_or((&call, "{}"));
        let mut changes = client.listen(SubscriptionFilter::new().resources_list_changed());
        let watch = tokio::spawn(async move {
            while let Some(event) = changes.next().await {
                if let SubscriptionEvent::Changed(notification) = event {
                    println!("changed: {}", notification.method);
                }
            }
        });
        let result = client
            .call_tool(name, RawJson::parse(arguments.to_owned())?)
            .timeout(Duration::from_secs(300))
            .on_progress(|progress| println!("{} of {:?}", progress.progress, progress.total))
            .await?;
        println!("{}{}", if result.failed() { "failed: " } else { "" }, result.texts().collect::<String>());
        watch.abort();
    }
    client.close().await;
    Ok(())
}

fn builder() -> ClientBuilder {
    Client::builder("host", "1.0.0").capability("elicitation", RawJson::EMPTY_OBJECT).input_handler(
        |request: InputRequest, _context| async move {
            match request.question()? {
                Question::Elicit(ElicitParams::Form(form)) => answer(&form.message).await,
                _ => Err(ErrorObject::method_not_found(request.method.as_str())),
            }
        },
    )
}

/// Asks at the terminal. The form of the notes server has one member, `sure`; a real host shows any form.
async fn answer(message: &str) -> Result<RawJson, ErrorObject> {
    let question = format!("the server asks: {message} [y/n] ");
    let line = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        print!("{question}");
        std::io::stdout().flush().and_then(|()| std::io::stdin().read_line(&mut line)).map(|_| line)
    });
    let line = line.await.map_err(|error| ErrorObject::internal(error.to_string()))?;
    match line.as_deref().map(str::trim) {
        Ok("y") => Ok(ElicitResult::accept(RawJson::object([("sure", RawJson::TRUE)])).to_raw()),
        Ok("n") => Ok(ElicitResult::decline().to_raw()),
        _ => Ok(ElicitResult::cancel().to_raw()),
    }
}
