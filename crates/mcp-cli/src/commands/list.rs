//! The lists of a server: all pages or one, filtered, as a table, as JSON, or an item on each line.

use std::ffi::OsString;

use clap::Args;
use mcp_core::client::{Client, Listed, PageLimits};
use mcp_core::message::RawJson;

use crate::connect::run;
use crate::connect::target::{self, Target};
use crate::exit::{Code, Failure};
use crate::global::Global;
use crate::signals::Signals;
use crate::terminal::out;
use crate::terminal::style::Style;
use crate::terminal::table::Table;
use crate::text::{self, counted, shell_words};

/// How wide a description may be in a table.
pub(crate) const ABOUT: usize = 72;

/// A kind of list: its method, and the member of the result that has the items.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    method: &'static str,
    member: &'static str,
    /// What its items are called.
    items: &'static str,
}

/// `tools/list`
pub(crate) const TOOLS: Kind = Kind { method: "tools/list", member: "tools", items: "tools" };
/// `resources/list`
pub(crate) const RESOURCES: Kind = Kind { method: "resources/list", member: "resources", items: "resources" };
/// `resources/templates/list`
pub(crate) const TEMPLATES: Kind =
    Kind { method: "resources/templates/list", member: "resourceTemplates", items: "resource templates" };
/// `prompts/list`
pub(crate) const PROMPTS: Kind = Kind { method: "prompts/list", member: "prompts", items: "prompts" };

/// The options of commands that list.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The server's URL or its name in a config file; left out where a command follows `--`
    #[arg(value_name = "SERVER")]
    pub(crate) target: Option<String>,
    /// Only what has this text in its name, title, description or URI (upper and lower case are the same)
    #[arg(long, value_name = "TEXT")]
    pub(crate) grep: Option<String>,
    /// All pages together (this is the default)
    #[arg(long, conflicts_with_all = ["page", "cursor"])]
    all: bool,
    /// One page only: the first
    #[arg(long, conflicts_with = "cursor")]
    page: bool,
    /// One page only: the one at this cursor
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
    /// The command that starts the server, and its arguments
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

/// What was listed.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) items: Vec<RawJson>,
    /// The whole result, unchanged, if it is one page.
    raw: Option<RawJson>,
    /// The cursor of the page behind this one.
    next: Option<RawJson>,
    /// Why items may be missing.
    incomplete: Option<String>,
    /// How many items there were before `--grep`.
    before: usize,
}

/// Finds the server, opens it, and lets `work` list.
pub(crate) async fn run(
    signals: &Signals,
    global: &Global,
    options: &Options,
    work: impl AsyncFnOnce(&Client, &Global) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let Target { global, link } =
        target::find(signals, global, options.target.as_deref(), &options.command).await?;
    run::with_client(signals, &global, run::builder(&global), link, async |client: &Client| {
        work(client, &global).await
    })
    .await
}

/// All items.
pub(crate) async fn all(client: &Client, kind: Kind) -> Result<Vec<RawJson>, Failure> {
    Ok(whole(client, kind).await?.items)
}

/// All items, and whether some may be missing.
pub(crate) async fn whole(client: &Client, kind: Kind) -> Result<Listed<RawJson>, Failure> {
    Ok(client.list_all(kind.method, kind.member, PageLimits::default()).await?)
}

/// What the options ask for.
pub(crate) async fn fetch(client: &Client, kind: Kind, options: &Options) -> Result<Page, Failure> {
    let mut page = if options.page || options.cursor.is_some() {
        one(client, kind, options.cursor.as_deref()).await?
    } else {
        let Listed { items, incomplete, .. } = whole(client, kind).await?;
        Page { before: items.len(), items, raw: None, next: None, incomplete }
    };
    if let Some(pattern) = &options.grep {
        let pattern = pattern.to_lowercase();
        page.items.retain(|item| matches(item, &pattern));
        page.raw = None;
    }
    Ok(page)
}

async fn one(client: &Client, kind: Kind, cursor: Option<&str>) -> Result<Page, Failure> {
    let params = cursor.map(|cursor| RawJson::object([("cursor", RawJson::string(cursor))]));
    let result = client.request(kind.method, params).await?.into_raw();
    let items = result.member(kind.member).filter(|items| items.as_bytes().starts_with(b"["));
    let items = items.ok_or_else(|| {
        let what = format!("the result of {} has no array {:?}", kind.method, kind.member);
        Failure::new(Code::Protocol, what)
    })?;
    let next = result.member("nextCursor").filter(|cursor| !cursor.is_null());
    let items = items.elements();
    Ok(Page { before: items.len(), items, raw: Some(result), next, incomplete: None })
}

fn matches(item: &RawJson, pattern: &str) -> bool {
    let texts = ["name", "title", "description", "uri", "uriTemplate"].map(|key| word(item, key));
    texts.iter().any(|text| text.to_lowercase().contains(pattern))
}

/// Shows a page: as JSON, or as text by `render`.
pub(crate) fn show(
    global: &Global,
    kind: Kind,
    page: &Page,
    render: impl FnOnce(&[RawJson], Style) -> String,
) -> Result<(), Failure> {
    if let Some(why) = &page.incomplete
        && !global.quiet
    {
        out::note(format!("Warning: the list may be incomplete: {why}\n"));
    }
    if global.jsonl {
        let lines: String = page.items.iter().map(|item| format!("{item}\n")).collect();
        return out::json(&lines);
    }
    if global.json {
        let whole = || {
            let items = (kind.member, RawJson::array(page.items.iter().cloned()));
            RawJson::object([items].into_iter().chain(page.next.clone().map(|next| ("nextCursor", next))))
        };
        return out::json(&page.raw.clone().unwrap_or_else(whole).to_string());
    }
    if page.items.is_empty() {
        return out::write(match page.before {
            0 => format!("no {}\n", kind.items),
            before => format!("none of {} matches\n", counted(before, kind.items.trim_end_matches('s'))),
        });
    }
    out::write(render(&page.items, Style::for_stream(global.color, &std::io::stdout())))?;
    if let Some(cursor) = page.next.as_ref().and_then(RawJson::to_text)
        && !global.quiet
    {
        out::note(format!("There is more: --cursor {}\n", text::safe_line(&shell_words::quote(&cursor))));
    }
    Ok(())
}

/// A table with a column for each key; the last is the description.
pub(crate) fn table(items: &[RawJson], columns: &[(&str, &str)], style: Style) -> String {
    let mut table = Table::new(columns.iter().map(|(title, _)| *title).chain(["what it is"]));
    for item in items {
        let cells = columns.iter().map(|(_, key)| word(item, key));
        let mut cells: Vec<String> = cells.collect();
        if let Some(first) = cells.first_mut()
            && first.is_empty()
        {
            *first = as_it_came(item);
        }
        table.row(cells.into_iter().chain([text::headline(&about(item), ABOUT)]));
    }
    table.render(style)
}

/// An item without a name, as JSON.
pub(crate) fn as_it_came(item: &RawJson) -> String {
    text::headline(&item.to_string(), ABOUT)
}

/// A string member, or nothing.
pub(crate) fn word(item: &RawJson, key: &str) -> String {
    item.member(key).and_then(|word| word.to_text()).unwrap_or_default()
}

/// What an item says of itself.
pub(crate) fn about(item: &RawJson) -> String {
    let text = item.member("description").or_else(|| item.member("title"));
    text.and_then(|text| text.to_text()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grep_looks_at_names_descriptions_and_uris() {
        let item =
            RawJson::parse(r#"{"name":"Read_File","description":"gives CONTENT","uri":"demo://X"}"#).unwrap();
        for pattern in ["file", "content", "demo://x"] {
            assert!(matches(&item, pattern), "{pattern}");
        }
        assert!(!matches(&item, "write"));
    }
}
