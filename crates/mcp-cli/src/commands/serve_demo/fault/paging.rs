//! Faults of lists that come in pages.

use std::io;

use serde_json::{Value, json};

use super::script::{Ask, each, echo, say};

/// The cursor leads back to the page it came from.
// FAULT C-44.
pub(super) fn same_cursor() -> io::Result<()> {
    listing(|_, _| Some("again".to_owned()))
}

/// An empty cursor is a cursor like any other.
// FAULT C-44.
pub(super) fn empty_cursor() -> io::Result<()> {
    listing(|_, cursor| match cursor {
        None => Some(String::new()),
        Some(_) => None,
    })
}

/// There is always another page.
// FAULT C-44.
pub(super) fn endless() -> io::Result<()> {
    listing(|page, _| Some(format!("page-{page}")))
}

/// Serves `tools/list` in pages of one tool. `next` makes the next cursor of the page's number and of the
/// cursor that asked for it.
#[expect(clippy::indexing_slicing, reason = "the values are objects, to which an assignment adds a member")]
fn listing(next: impl Fn(usize, Option<&str>) -> Option<String>) -> io::Result<()> {
    let mut page = 0;
    each(|ask: &Ask| {
        if ask.method != "tools/list" {
            return say(&ask.answer());
        }
        page += 1;
        let mut tool = echo();
        tool["name"] = json!(if page == 1 { "echo".to_owned() } else { format!("echo-{page}") });
        let mut result = json!({"tools": [tool]});
        if let Some(cursor) = next(page, ask.params.get("cursor").and_then(Value::as_str)) {
            result["nextCursor"] = json!(cursor);
        }
        say(&ask.result(result))
    })
}
