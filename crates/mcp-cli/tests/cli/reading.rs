//! `read`, `prompt` and `complete`.

use crate::demo_server;
#[cfg(unix)]
use crate::scripted::scripted;

#[test]
fn a_text_is_read_as_it_is_and_as_json() {
    for era in ["modern", "legacy"] {
        let run = demo_server(&["read", "demo://readme", "--era", era], &[]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(0), "A server to try things on."), "{run:?}");
    }
    let result = demo_server(&["read", "demo://readme", "--json"], &[]).json();
    assert_eq!(result["contents"][0]["mimeType"], "text/plain");
}

#[test]
fn what_cannot_be_read_has_its_exit_code() {
    let run = demo_server(&["read", "demo://nothing", "--json"], &[]);
    assert_eq!((run.code, run.error_code().as_str()), (Some(1), "rpc_error"));
    let run = demo_server(&["read", "--json"], &[]);
    assert_eq!((run.code, run.error_code().as_str()), (Some(2), "usage"));
    let run = crate::mcp(&["read", "demo://readme", "--json"]);
    assert_eq!((run.code, run.error_code().as_str()), (Some(2), "usage"));
    let run = demo_server(&["read", "demo://readme", "-o", "/nowhere/file", "--json"], &[]);
    assert_eq!((run.code, run.error_code().as_str()), (Some(1), "io"));
}

#[cfg(unix)]
const BLOBS: &str = r#"
    *'"x:blob"'*) answer '{"contents":[{"uri":"x:blob","mimeType":"image/png","blob":"iVBORw0KGgo"}]}' ;;
    *'"x:bad"'*) answer '{"contents":[{"uri":"x:bad","blob":"*"}]}' ;;
    *'"x:two"'*) answer '{"contents":[{"uri":"x:1","text":"one\n"},{"uri":"x:2","blob":"dHdv"}]}' ;;
"#;

/// Blobs are decoded on the way to a file and into a pipe.
#[cfg(unix)]
#[test]
fn blobs_are_decoded() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("image.png");
    let run = scripted(&["read", "x:blob", "-o", file.to_str().unwrap(), "--json"], BLOBS);
    assert_eq!((run.json()["bytes"].as_i64(), run.json()["mimeType"].as_str()), (Some(8), Some("image/png")));
    assert_eq!(std::fs::read(&file).unwrap(), b"\x89PNG\r\n\x1a\n");
    assert_eq!(scripted(&["read", "x:two"], BLOBS).stdout, "one\ntwo");
    let run = scripted(&["read", "x:two", "--json"], BLOBS);
    assert_eq!(run.json()["contents"][1]["blob"], "dHdv");
    let run = scripted(&["read", "x:two", "-o", "-", "--json"], BLOBS);
    assert_eq!((run.code, run.error_code().as_str()), (Some(2), "usage"), "{run:?}");
    let run = scripted(&["read", "x:bad", "--jsonl", "-o", "-"], BLOBS);
    assert_eq!((run.code, run.error_code().as_str()), (Some(6), "protocol"), "{run:?}");
}

#[test]
fn a_prompt_is_filled_in() {
    let run = demo_server(&["prompt", "greet", "city=Oslo"], &[]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "user:\nGreet a visitor from Oslo in one line.\n"));
    let result = demo_server(&["prompt", "greet", "city=7", "--json"], &[]).json();
    assert_eq!(result["messages"][0]["content"]["text"], "Greet a visitor from 7 in one line.");
    let run = demo_server(&["prompt", "greet", "--json"], &[]);
    assert_eq!((run.code, run.error_code().as_str()), (Some(1), "rpc_error"));
    for words in [&["prompt", "--json"][..], &["prompt", "greet", "city", "--json"]] {
        let run = demo_server(words, &[]);
        assert_eq!((run.code, run.error_code().as_str()), (Some(2), "usage"), "{run:?}");
    }
}

#[test]
fn an_argument_is_completed() {
    for of in [&["--prompt", "greet"][..], &["--template", "demo://{+path}"]] {
        let run = demo_server(&[&["complete", "city=l"], of].concat(), &[]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(0), "Lima\nLisbon\nLondon\n"), "{run:?}");
    }
    let result = demo_server(&["complete", "city=o", "tone=x", "--prompt", "greet", "--json"], &[]).json();
    assert_eq!(result["completion"]["values"][0], "Oslo");
    for words in [&["complete", "city=", "--json"][..], &["complete", "city", "--prompt", "greet", "--json"]]
    {
        let run = demo_server(words, &[]);
        assert_eq!((run.code, run.error_code().as_str()), (Some(2), "usage"), "{run:?}");
    }
}
