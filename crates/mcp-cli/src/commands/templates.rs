//! `mcp templates`: a server's resource templates.

use mcp_core::client::Client;

use crate::commands::list::{self, Options};
use crate::exit::Failure;
use crate::global::Global;
use crate::signals::Signals;

/// Runs the command.
pub(crate) async fn run(signals: &Signals, global: &Global, options: &Options) -> Result<(), Failure> {
    list::run(signals, global, options, async |client: &Client, global: &Global| {
        show(client, global, options).await
    })
    .await
}

/// Lists those of this server.
pub(crate) async fn show(client: &Client, global: &Global, options: &Options) -> Result<(), Failure> {
    let page = list::fetch(client, list::TEMPLATES, options).await?;
    let columns = [("uri template", "uriTemplate"), ("name", "name")];
    list::show(global, list::TEMPLATES, &page, |items, style| list::table(items, &columns, style))
}
