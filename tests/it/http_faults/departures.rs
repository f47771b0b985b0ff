//! FAULT F-C11, F-C12: departures that do not stop a conversation are reported once for each link.

use mcp_tests::fault_server::{FaultServer, On, Rule, Step, result_of};

use super::kit::*;
use super::log::Log;

#[tokio::test(start_paused = true)]
async fn a_departure_is_reported_once_for_each_link() {
    let answer = result_of(SAID);
    let stream = |text: String| vec![Step::stream(), Step::Chunk(text), Step::end()];
    let rows = [
        (vec![Step::json(202, answer.clone())], "status of notifications"),
        (stream(answer.clone()), "is a JSON text"),
        (stream(format!("event: response\ndata: {answer}\n\n")), "event of an unknown type"),
        (stream(format!("data: {answer}\n")), "lacks its blank line"),
        (vec![Step::json(200, answer.replace("$ID", "\"$ID\""))], "its id as a string"),
        (
            vec![Step::json(200, answer.replace("\"result\"", "\"error\":null,\"result\""))],
            "one of them null",
        ),
    ];
    for (steps, wanted) in rows {
        let log = Log::default();
        let _until_the_end = tracing::subscriber::set_default(log.clone());
        let script = [Rule::new(On::Rpc("tools/call"), steps)].into_iter().chain(modern_json());
        let server = FaultServer::memory(script.collect::<Vec<_>>());
        for link in 1..=2 {
            let client = connect(MODERN, &server).await;
            for _ in 0..3 {
                succeeds(&client).await;
            }
            assert_eq!(log.text().matches(wanted).count(), link, "{wanted}: {}", log.text());
            in_time(client.close()).await;
        }
    }
}
