//! The rules that `mcp check` tries, by the ids of `docs/ledger.md`, each with its remedy.

/// One rule.
#[derive(Debug)]
pub(crate) struct Rule {
    /// Its id.
    pub(crate) id: &'static str,
    /// Breaking it is a fault; otherwise a warning.
    pub(crate) must: bool,
    /// What must hold.
    pub(crate) what: &'static str,
    /// What to do about it.
    pub(crate) remedy: &'static str,
}

macro_rules! rules {
    ($($name:ident $id:literal $kind:ident $what:literal $remedy:literal;)*) => {
        $(pub(crate) const $name: Rule = Rule { id: $id, must: is!($kind), what: $what, remedy: $remedy };)*

        /// All of them.
        #[cfg(test)]
        pub(crate) const ALL: &[&Rule] = &[$(&$name),*];
    };
}

macro_rules! is {
    (must) => {
        true
    };
    (should) => {
        false
    };
}

rules! {
    OPENS "ERA-S-011" must "the server speaks at least one revision"
        "answer `initialize` (2024-11-05 to 2025-11-25) or `server/discover` (2026-07-28)";
    INITIALIZED "LIFE-S-003" must "the result of `initialize` has protocolVersion, capabilities and serverInfo"
        "send all three members; serverInfo has a name and a version";
    COUNTER_OFFER "LIFE-S-009" must "`initialize` with an unknown revision is answered with one that the server has"
        "answer with your newest revision in place of an error; the client decides whether it goes on";
    DISCOVERED "DISC-S-003" must "the result of `server/discover` has supportedVersions and capabilities"
        "send both members, and `resultType`";
    UNSUPPORTED "DISC-S-004" must "a request with an unknown revision gets -32022 that lists the server's"
        "answer -32022 with `data.supported` and `data.requested`, over HTTP with status 400";
    RESULT_TYPE "RPC-S-014" must "every result of 2026-07-28 has a resultType"
        "add `\"resultType\":\"complete\"` to each result";
    IDS "ID-B-005" must "an answer has the id of its request, in value and type"
        "keep the id as it came: a string stays a string, and 0 and the empty string are ids";
    LARGE_IDS "ID-B-005" should "a large id keeps its digits"
        "keep the id as text, or as an integer of 64 bits: a double changes numbers above 2^53";
    UNKNOWN_METHOD "T-43" must "an unknown method gets the error -32601"
        "answer -32601 (method not found), with the request's id";
    UNKNOWN_METHOD_STATUS "HTTP-S-019" must "an unknown method gets 404 and -32601"
        "set the status 404 for -32601 in revision 2026-07-28";
    NOTIFICATIONS "RPC-B-004" must "a notification is not answered"
        "never answer a message without an id, also one whose method is unknown";
    PARSE_ERROR "T-35" should "text that is not JSON gets -32700, and the server goes on"
        "answer -32700 without an id and read on at the next line; over HTTP with status 400";
    PING "PING-B-001" must "`ping` is answered with an empty result"
        "answer {} in every state";
    CANCEL_UNKNOWN "CANC-B-007" should "a cancellation of an unknown request is ignored"
        "ignore it: the request may have ended already";
    BATCH_TAKEN "RPC-B-018" must "2025-03-26: an array of requests is answered by an array"
        "serve each element and answer with an array of the answers";
    BATCH_REFUSED "RPC-B-022" must "an array is refused with one error"
        "answer one -32600 error object, not an array: batches exist in 2025-03-26 only";
    BATCH_MODERN "RPC-B-023" must "an array is refused with one error"
        "answer one -32600 error object, over HTTP with status 400";
    LISTS "DISC-S-010" must "what the server declares can be listed"
        "answer the list method of each declared capability, with an empty list if there is nothing";
    CURSOR "PAGE-S-004" should "a cursor that the server did not give is refused"
        "answer -32602; a server that ignores cursors sends its first page for ever, or loses the rest";
    UNKNOWN_RESOURCE "ERR-S-006" must "an unknown resource is an error"
        "answer -32602 (before 2026-07-28: -32002), never an empty list of contents";
    UNKNOWN_TOOL "ERR-S-008" should "an unknown tool is an error -32602"
        "answer -32602 that names the tool";
    ONLY_MCP "STDIO-S-002" must "stdout has MCP messages only"
        "write banners and logs to stderr; check what libraries print when they are loaded";
    FRAMING "STDIO-B-001" must "each message is one line"
        "write JSON without line breaks, and a newline behind each message; flush";
    AT_END "STDIO-S-011" should "the server ends when its stdin does"
        "exit at the end of stdin, within 2 s, also while requests are open";
    ORPHANS "T-45" must "no process is left when the server has ended"
        "end the processes that the server has started before it exits";
    ORIGIN "SEC-S-001" must "a request from a foreign origin is refused"
        "compare `Origin`, where it is present, with a list of allowed origins, on every method and path; else 403";
    HOST "SEC-S-003" must "a local server refuses foreign names in Host"
        "compare `Host` with localhost, loopback addresses and configured names; else 403. Without it any web page can reach the server by DNS rebinding";
    CONTENT_TYPE "HTTP-S-004" must "a request is answered as application/json or text/event-stream"
        "set the Content-Type that the body has";
    PLAIN_TEXT "T-23" must "a body that is not declared as JSON is refused"
        "answer 415 unless Content-Type is application/json: browsers send text/plain to any origin without asking";
    ACCEPTED "HTTP-S-002" must "an accepted notification gets 202 without a body"
        "answer 202 with an empty body";
    GET "HTTP-S-013" must "GET is answered with an event stream or 405"
        "answer 405 with `Allow` if the server offers no stream";
    BAD_VERSION "HTTP-S-018" must "an unknown MCP-Protocol-Version gets 400"
        "check the header of each request after `initialize`";
    HEADER_MISMATCH "HDR-S-005" must "headers that contradict the body get 400 and -32020"
        "compare Mcp-Method and Mcp-Name with the body";
    SESSION_ID "SESS-S-003" must "a session id is visible ASCII"
        "use characters from 0x21 to 0x7E only, such as those of base64url or a UUID";
    SESSION_LONG "SESS-S-002" should "a session id cannot be guessed"
        "use at least 128 random bits";
    NO_SESSION "SESS-S-006" should "a request without its session id gets 400"
        "answer 400 where a session is needed and none is named";
    SESSION_UNKNOWN "SESS-S-007" must "an unknown or ended session gets 404"
        "answer 404: it is the only status on which clients open a new session";
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger() -> Option<String> {
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/ledger.md")).ok()
    }

    /// What the ledger only recommends is a warning. One is a fault all the same: without it any web page reaches the server.
    #[test]
    fn a_broken_recommendation_is_a_warning() {
        let Some(ledger) = ledger() else { return };
        let recommended = |rule: &&&Rule| {
            let start = format!("| {} |", rule.id);
            let row = ledger.lines().find(|line| line.starts_with(&start));
            row.and_then(|row| row.split('|').nth(4)).is_some_and(|level| level.contains("SHOULD"))
        };
        let faults: Vec<&str> =
            ALL.iter().filter(recommended).filter(|rule| rule.must).map(|rule| rule.id).collect();
        assert_eq!(faults, [HOST.id]);
    }

    /// Each id is a rule of the ledger, and each rule has a remedy.
    #[test]
    fn every_rule_is_in_the_ledger() {
        let Some(ledger) = ledger() else { return };
        for rule in ALL {
            let forms = [format!("| {} |", rule.id), format!("**{} ", rule.id)];
            assert!(forms.iter().any(|form| ledger.contains(form.as_str())), "{}", rule.id);
            assert!(!rule.remedy.is_empty());
        }
    }
}
