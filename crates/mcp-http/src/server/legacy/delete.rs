//! DELETE on the endpoint: the client ends its session.

// Ledger SESS-C-009.

use hyper::StatusCode;

use super::Legacy;
use crate::server::caller::Caller;
use crate::server::respond::{self, Reply};

impl Legacy {
    /// `DELETE` on the endpoint. Afterwards the id is unknown: 404. Requests in flight are cancelled.
    pub(crate) async fn delete(&self, caller: Box<Caller>) -> Reply {
        match self.session_of(&caller) {
            Ok(session) => {
                self.table.end(&session);
                respond::empty(StatusCode::NO_CONTENT)
            }
            Err(refusal) => refusal,
        }
    }
}
