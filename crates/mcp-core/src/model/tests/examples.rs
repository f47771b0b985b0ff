//! Golden samples: every one reads, and comes out as it went in.

use serde_json::Value;

use super::*;
use crate::model::*;

/// The examples of the 2026-07-28 schema, as published; each line before one names the type here and the
/// example there.
const MODERN: &str = include_str!("examples.txt");
/// Samples of the older revisions, after the specification's pages.
const LEGACY: &str = include_str!("legacy.txt");

/// Reads a sample as the named type; returns what came out.
fn round(name: &str, text: &str) -> Option<String> {
    macro_rules! by_name {
        ($($Name:ident)*) => {
            match name {
                $( stringify!($Name) => Some(again::<$Name>(text)), )*
                _ => None,
            }
        };
    }
    by_name! {
        CallToolParams CallToolResult ClientCapabilities CompleteParams CompleteResult Content
        CreateMessageParams CreateMessageResult DiscoverResult ElicitParams ElicitResult ElicitationComplete
        GetPromptParams GetPromptResult Implementation InitializeParams InitializeResult ListPromptsResult
        ListResourceTemplatesResult ListResourcesResult ListRootsResult ListToolsResult LogMessage
        ModelPreferences PageParams Progress Prompt ReadResourceResult Resource ResourceContents
        ResourceParams ResourceTemplate Root SamplingBlock SamplingMessage ServerCapabilities SetLevelParams
        Tool UrlElicitationRequired
    }
}

/// The samples of a file: type, title, text.
fn samples(file: &'static str) -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    file.split("\n\n").filter_map(|sample| {
        let (title, text) = sample.trim().split_once('\n')?;
        let (name, title) = title.split_once(' ').unwrap_or((title, ""));
        Some((name, title, text))
    })
}

#[test]
fn every_example_of_the_specification_round_trips() {
    let mut seen = 0;
    for (name, title, text) in samples(MODERN).chain(samples(LEGACY)) {
        let Some(written) = round(name, text) else { panic!("no type {name}: {title}") };
        let (before, after): (Value, Value) =
            (serde_json::from_str(text).unwrap(), serde_json::from_str(&written).unwrap());
        assert_eq!(before, after, "{name} {title}");
        seen += 1;
    }
    assert_eq!(seen, 74 + 17, "samples went missing");
}

/// Any of these types may be nested in a peer's object with members of a later revision: they are kept.
#[test]
fn an_unknown_member_survives_in_every_example() {
    for (name, title, text) in samples(MODERN).chain(samples(LEGACY)) {
        let wider = raw(text).with_members(&[("x-later", &raw("{\"n\":[1e400,18446744073709551616]}"))]);
        let written = raw(&round(name, &wider.to_string()).unwrap());
        assert_eq!(written.member("x-later"), wider.member("x-later"), "{name} {title}");
    }
}

/// The examples use what the specification names, so nothing of them may end up among the unknown members
/// but what the types leave to the session.
#[test]
fn the_specifications_members_have_names() {
    const SESSIONS: [&str; 2] = ["resultType", "mode"];
    for (name, title, text) in samples(MODERN) {
        macro_rules! unnamed {
            ($($Name:ident)*) => {
                match name {
                    $( stringify!($Name) => read::<$Name>(text).extra, )*
                    _ => continue,
                }
            };
        }
        let extra = unnamed! {
            CallToolParams CallToolResult ClientCapabilities CompleteParams CompleteResult CreateMessageParams
            CreateMessageResult DiscoverResult ElicitResult GetPromptParams GetPromptResult ListPromptsResult
            ListResourceTemplatesResult ListResourcesResult ListRootsResult ListToolsResult LogMessage
            ModelPreferences PageParams Progress ReadResourceResult Resource ResourceContents ResourceParams
            Root SamplingMessage ServerCapabilities Tool
        };
        let unnamed: Vec<&str> =
            extra.iter().map(|(key, _)| key).filter(|key| !SESSIONS.contains(key)).collect();
        assert_eq!(unnamed, [""; 0], "{name} {title}");
    }
}
