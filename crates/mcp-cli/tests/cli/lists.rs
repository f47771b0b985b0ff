//! `tools`, `resources`, `templates`, `prompts` and `tool`: all pages, one page, filtered, as JSON.

#[cfg(unix)]
use crate::scripted::scripted;
use crate::{demo_server, mcp};

#[test]
fn every_list_is_shown_as_a_table_and_as_json() {
    let rows = [
        ("tools", "tools", "echo"),
        ("resources", "resources", "readme"),
        ("templates", "resourceTemplates", "demo texts"),
        ("prompts", "prompts", "greet"),
    ];
    for (command, member, name) in rows {
        let run = demo_server(&[command], &[]);
        assert!(run.code == Some(0) && run.stdout.contains(name), "{run:?}");
        let list = demo_server(&[command, "--json"], &[]).json();
        let names: Vec<_> = list[member].as_array().unwrap().iter().map(|item| &item["name"]).collect();
        assert!(names.iter().any(|found| **found == name), "{names:?}");
        let none = demo_server(&[command, "--grep", "no such thing", "--json"], &[]);
        assert_eq!((none.code, none.json()[member].as_array().unwrap().len()), (Some(0), 0));
        let lines = demo_server(&[command, "--jsonl", "--grep", name], &[]);
        assert_eq!(lines.json()["name"], name, "{lines:?}");
    }
}

#[cfg(unix)]
const PAGES: &str = r#"
    *'"cursor":"two words"'*) answer '{"tools":[{"name":"b"}]}' ;;
    *'"cursor"'*) printf '{"jsonrpc":"2.0","id":%s,"error":{"code":-32602,"message":"no such cursor"}}\n' "$id" ;;
    *'"tools/list"'*) answer '{"tools":[{"name":"a"}],"nextCursor":"two words","extra":1e400}' ;;
"#;

/// PAGE-C-002: all pages together, or one page byte for byte with the cursor of the next.
#[cfg(unix)]
#[test]
fn pages_come_together_or_one_by_one() {
    for all in [&["tools", "--json"][..], &["tools", "--json", "--all"]] {
        let run = scripted(all, PAGES);
        assert_eq!(run.stdout, "{\"tools\":[{\"name\":\"a\"},{\"name\":\"b\"}]}\n", "{run:?}");
    }
    let first = scripted(&["tools", "--page", "--json"], PAGES);
    assert_eq!(first.stdout, "{\"tools\":[{\"name\":\"a\"}],\"nextCursor\":\"two words\",\"extra\":1e400}\n");
    let first = scripted(&["tools", "--page"], PAGES);
    assert!(first.stderr.contains("--cursor 'two words'"), "{first:?}");
    let second = scripted(&["tools", "--cursor", "two words", "--json"], PAGES);
    assert_eq!(second.stdout, "{\"tools\":[{\"name\":\"b\"}]}\n");
    let wrong = scripted(&["tools", "--cursor", "x", "--json"], PAGES);
    assert_eq!((wrong.code, wrong.error_code().as_str()), (Some(1), "rpc_error"));
    let both = mcp(&["tools", "--all", "--cursor", "x", "--json", "--", "server"]);
    assert_eq!((both.code, both.error_code().as_str()), (Some(2), "usage"));
}

#[cfg(unix)]
#[test]
fn a_list_that_is_none_is_the_servers_fault() {
    for mode in [&["tools", "--json"][..], &["tools", "--page", "--json"]] {
        let run = scripted(mode, "    *'\"tools/list\"'*) answer '{\"tools\":7}' ;;\n");
        assert_eq!((run.code, run.error_code().as_str()), (Some(6), "protocol"), "{run:?}");
    }
}

/// The example can be run as it is printed.
#[test]
fn a_tool_is_shown_with_a_call_to_start_from() {
    let run = demo_server(&["tool", "add"], &[]);
    assert!(run.stdout.starts_with("add(a: number, b: number)\nAdds two numbers\n"), "{run:?}");
    let example = run.stdout.lines().last().unwrap();
    assert!(example.starts_with("mcp call add a=1 b=1 -- "), "{example}");
    let words: Vec<&str> = example.split(' ').skip(1).collect();
    assert_eq!(mcp(&words).stdout, "2\n");
    let tool = demo_server(&["tool", "add", "--json"], &[]).json();
    assert_eq!(
        (tool["name"].as_str(), tool["inputSchema"]["required"][1].as_str()),
        (Some("add"), Some("b"))
    );
}

#[test]
fn a_tool_that_is_not_there_exits_with_5() {
    let run = demo_server(&["tool", "nope", "--json"], &[]);
    assert_eq!((run.code, run.error_code().as_str()), (Some(5), "tool_not_found"));
    for words in [&["tool", "--json"][..], &["tool", "a", "b", "--json"]] {
        let run = demo_server(words, &[]);
        assert_eq!((run.code, run.error_code().as_str()), (Some(2), "usage"), "{run:?}");
    }
}
