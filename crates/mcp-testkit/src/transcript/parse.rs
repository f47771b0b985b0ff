//! The lines of a transcript.

use std::time::Duration;

use mcp_core::transport::Lane;

use super::actor::Role;

/// A parsed transcript.
pub(super) struct Script {
    pub(super) header: Header,
    pub(super) lines: Vec<Line>,
}

#[derive(Debug, Default)]
pub(super) struct Header {
    /// Key and value, in order.
    pub(super) entries: Vec<(String, String)>,
}

/// A line with its number, counted from 1, and its text.
pub(super) struct Line {
    pub(super) number: usize,
    pub(super) text: String,
    pub(super) kind: Kind,
}

pub(super) enum Kind {
    /// A comment, an empty line, or the header.
    Nothing,
    /// A message for the session.
    Say { lane: Lane, text: String },
    /// The clock advances.
    Advance(Duration),
    /// A call of a method of the session.
    Do { verb: String, rest: String },
    /// Output that the session is expected to produce.
    Expect,
}

impl Header {
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.entries.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    pub(super) fn role(&self) -> Result<Role, String> {
        match self.get("role") {
            Some("client") => Ok(Role::Client),
            Some("server") => Ok(Role::Server),
            other => Err(format!("the header needs `role client` or `role server`, not {other:?}")),
        }
    }
}

pub(super) fn parse(text: &str) -> Result<Script, String> {
    let mut header = Header::default();
    let mut lines: Vec<Line> = Vec::new();
    let mut role = None;
    for (index, text) in text.lines().enumerate() {
        let number = index + 1;
        let at = |why: String| format!("line {number}: {why}\n  {text}");
        let kind = match text.get(..2).unwrap_or(text) {
            _ if text.trim().is_empty() || text.starts_with('#') => Kind::Nothing,
            arrow @ ("C>" | "S<") => {
                let role = match role {
                    Some(role) => role,
                    None => *role.insert(header.role().map_err(at)?),
                };
                let said = (arrow == "C>") == (role == Role::Server);
                if said { say(&text[2..]).map_err(at)? } else { Kind::Expect }
            }
            "= " => Kind::Expect,
            "@ " => Kind::Advance(duration(text[2..].trim()).ok_or_else(|| at("no duration".into()))?),
            "! " => {
                let (verb, rest) = split(&text[2..]);
                Kind::Do { verb: verb.to_owned(), rest: rest.to_owned() }
            }
            _ if role.is_none() && lines.iter().all(|line| matches!(line.kind, Kind::Nothing)) => {
                let (key, value) = split(text);
                header.entries.push((key.to_owned(), value.to_owned()));
                Kind::Nothing
            }
            _ => return Err(at("neither a comment nor `C>`, `S<`, `@ `, `! `, `= `".into())),
        };
        lines.push(Line { number, text: text.to_owned(), kind });
    }
    header.role()?;
    Ok(Script { header, lines })
}

/// Splits off the first word. The rest starts after the space.
pub(super) fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    text.split_once(' ').map_or((text, ""), |(word, rest)| (word, rest.trim()))
}

/// Splits off a lane in brackets. Without one, the lane is the shared one.
pub(super) fn lane(text: &str) -> Result<(Lane, &str), String> {
    let Some(rest) = text.strip_prefix('[') else { return Ok((Lane::SHARED, text)) };
    let (number, rest) = rest.split_once(']').ok_or("a lane without `]`")?;
    let number = number.parse().map_err(|_| format!("`{number}` is not a lane"))?;
    Ok((Lane::numbered(number), rest))
}

fn say(text: &str) -> Result<Kind, String> {
    let (lane, text) = lane(text)?;
    let text = text.strip_prefix(' ').unwrap_or(text).to_owned();
    Ok(Kind::Say { lane, text })
}

fn duration(text: &str) -> Option<Duration> {
    let text = text.strip_prefix('+')?;
    let unit = text.find(|c: char| c.is_ascii_alphabetic())?;
    let number: u64 = text[..unit].parse().ok()?;
    let millis: u64 = match &text[unit..] {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    Some(Duration::from_millis(number.checked_mul(millis)?))
}
