//! The driver of a client: one task for all of its links.

use std::sync::Arc;

use crate::client::{ClientShared, InputHandler};
use crate::transport::Connect;

pub(crate) async fn run(
    shared: Arc<ClientShared>,
    connector: Box<dyn Connect>,
    input: Arc<dyn InputHandler>,
) {
    drop((shared, connector, input));
}
