//! Opening an upstream session: a client with the settings of a bridge.

use std::sync::Arc;
use std::time::Duration;

use mcp_core::client::{Client, ClientConfig, EraMode, KnownEra};
use mcp_core::message::{ErrorObject, RawJson};

use super::pace::Paced;
use super::questions::Questions;
use super::{Facts, Pool, Refusal};
use crate::translate::Era;

/// Starts the client of an upstream session. It connects, restarts what has ended when it is needed, and waits in
/// between as clients do.
pub(super) fn client(
    pool: &Arc<Pool>,
    facts: &Facts,
    capabilities: &RawJson,
    known: Option<KnownEra>,
) -> Result<(Client, Questions), Refusal> {
    let mut config = ClientConfig::new(facts.info.clone().unwrap_or_else(own_info));
    config.capabilities = capabilities.clone();
    // `Questions` knows the capabilities of the client that is asked.
    config.ask_undeclared = true;
    config.era = pool.upstream.era;
    // A client is served in its own era if the server has it: nothing is translated then.
    config.known_era = match (pool.upstream.era, facts.era) {
        // A server that speaks legacy revisions may speak the one of this client too.
        (EraMode::Auto, Era::Legacy) => {
            known.filter(|known| known.version.is_modern()).or(Some(KnownEra::new(facts.version)))
        }
        (EraMode::Auto, Era::Modern) => known,
        _ => None,
    };
    config.start_timeout = pool.limits.start;
    config.probe_timeout = pool.limits.probe;
    config.call_timeout = Duration::MAX;
    config.call_maximum = pool.upstream.call.unwrap_or(pool.limits.call);
    config.input_timeout = pool.limits.parked_for;
    let questions = Questions::default();
    let builder = Client::with_config(config)
        .notification_queue(pool.limits.notifications)
        .unread_bytes(pool.limits.waiting_bytes)
        .input_handler(questions.clone());
    let inner = (pool.upstream.connect)(&facts.caller);
    let paced = Paced { pool: Arc::downgrade(pool), inner, session: questions.clone() };
    let client = builder.start(paced).map_err(|error| {
        Refusal::failed(ErrorObject::internal(format!("{:?} cannot be started: {error}", pool.name)))
    })?;
    Ok((client, questions))
}

/// Who asks, where the client did not say who it is.
fn own_info() -> RawJson {
    RawJson::object([
        ("name", RawJson::string("mcp-bridge")),
        ("version", RawJson::string(env!("CARGO_PKG_VERSION"))),
    ])
}
