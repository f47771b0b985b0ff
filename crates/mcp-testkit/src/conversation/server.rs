//! The server of the conversation: five tools, and a count of cancelled calls.

use tokio::sync::watch;

use mcp_core::Error;
use mcp_core::message::RawJson;
use mcp_core::model::{ElicitForm, ElicitResult, Model};
use mcp_core::server::{Context, HandlerError, Router, Server, ToolDef, ToolReply};
use mcp_core::session::{Change, InputRequired};

/// A server, and what its handlers have observed.
pub(super) struct Scene {
    pub(super) server: Server,
    cancelled: watch::Receiver<usize>,
}

impl Scene {
    pub(super) fn new() -> Result<Scene, Error> {
        let (count, cancelled) = watch::channel(0);
        let router = Router::new()
            .tools_list_changed()
            .tool(ToolDef::new("add"), |arguments, _| async move {
                Ok::<_, HandlerError>((number(&arguments, "a")? + number(&arguments, "b")?).to_string())
            })
            .tool(ToolDef::new("count"), |arguments, context| async move {
                let to = number(&arguments, "to")?;
                for step in 1..=to {
                    context.progress(step as f64, Some(to as f64), None).await;
                }
                Ok::<_, HandlerError>(format!("counted to {to}"))
            })
            .tool(ToolDef::new("wait"), move |_, context| {
                let count = count.clone();
                async move {
                    context.progress(1.0, None, None).await;
                    context.cancelled().await;
                    count.send_modify(|count| *count += 1);
                    Err::<ToolReply, _>(HandlerError::from("cancelled"))
                }
            })
            .tool(ToolDef::new("ask"), |_, context| async move { ask(&context) })
            .tool(ToolDef::new("touch"), |_, context| async move {
                context.publish(Change::ToolsList);
                Ok::<_, HandlerError>("touched")
            });
        Ok(Scene { server: Server::builder("conversation", "1").build(router)?, cancelled })
    }

    /// Waits until this number of handlers have been notified that their call was cancelled.
    pub(super) async fn cancelled(&self, count: usize) {
        let mut cancelled = self.cancelled.clone();
        // The router keeps the other end alive while this is borrowed.
        let _counted = cancelled.wait_for(|seen| *seen >= count).await;
    }
}

fn number(arguments: &RawJson, name: &str) -> Result<i64, HandlerError> {
    let number = arguments.member(name).and_then(|number| number.deserialize().ok());
    number.ok_or_else(|| HandlerError::from(format!("the argument {name} has to be a whole number")))
}

/// Asks in the first round and greets in the second.
fn ask(context: &Context) -> Result<ToolReply, HandlerError> {
    let Some(answer) = context.answer::<ElicitResult>("name")? else {
        let schema = r#"{"type":"object","properties":{"name":{"type":"string"}},"required":["name"]}"#;
        let schema = RawJson::parse(schema).map_err(|error| error.to_string())?;
        let form = ElicitForm::new("What is your name?", schema);
        return Ok(InputRequired::ask("name", "elicitation/create", Some(form.to_raw())).into());
    };
    let name = answer.content.and_then(|content| content.member("name")).and_then(|name| name.to_text());
    Ok(ToolReply::text(&format!("Hello, {}!", name.unwrap_or_default())))
}
