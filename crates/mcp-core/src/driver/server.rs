//! The driver of one link of a server.

use std::sync::Arc;

use crate::server::ServerShared;
use crate::server::link::LinkShared;
use crate::transport::Transport;

pub(crate) async fn run(server: Arc<ServerShared>, shared: Arc<LinkShared>, link: Box<dyn Transport>) {
    drop((server, shared, link));
}
