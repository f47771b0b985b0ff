//! How a server is tested without a process or a socket: a client in the same program, in each era.

use mcp_core::client::{Client, EraMode, Question};
use mcp_core::message::{ErrorObject, ProtocolVersion, RawJson};
use mcp_core::model::{ElicitResult, Model};
use mcp_core::server::{Context, HandlerError, Router, Server};
use mcp_core::session::InputRequest;
use mcp_core::transport::{Binding, memory};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize, JsonSchema)]
struct Order {
    /// How many
    count: u32,
}

/// Orders coffee
#[mcp_core::tool]
async fn order(drink: String, context: Context) -> Result<String, HandlerError> {
    if drink != "coffee" {
        return Err("there is coffee only".into());
    }
    let order: Order = context.ask("How many cups?").await?;
    Ok(format!("{} cups of {drink}", order.count))
}

/// A client of a new server, which orders two cups.
async fn client(era: EraMode) -> Client {
    let server = Server::builder("cafe", "1.0.0").build(Router::new().tools::<order>()).unwrap();
    let (connector, listener) = memory::connector(Binding::STREAM);
    tokio::spawn(listener.serve(server));
    Client::builder("test", "1.0.0")
        .era(era)
        .capability("elicitation", RawJson::EMPTY_OBJECT)
        .input_handler(|request: InputRequest, _| async move {
            match request.question()? {
                Question::Elicit(_) => {
                    Ok(ElicitResult::accept(RawJson::object([("count", RawJson::integer(2))])).to_raw())
                }
                _ => Err(ErrorObject::method_not_found(request.method.as_str())),
            }
        })
        .connect(connector)
        .await
        .unwrap()
}

#[tokio::test]
async fn coffee_is_ordered_in_both_eras() {
    for era in [EraMode::Modern, EraMode::Legacy(ProtocolVersion::V2025_11_25)] {
        let client = client(era).await;
        let result = client.call_tool("order", json!({ "drink": "coffee" })).await.unwrap();
        assert_eq!(result.texts().collect::<String>(), "2 cups of coffee");
        let refused = client.call_tool("order", json!({ "drink": "tea" })).await.unwrap();
        assert!(refused.failed());
    }
}
