//! The player finds, reports and updates differences.

use super::compare::matches;
use super::*;

const PING: &str = r#"# PING-B-001
role server

C> {"jsonrpc":"2.0","id":1,"method":"ping"}
S< {"result":{},"jsonrpc":"2.0","id":1}
"#;

#[test]
fn a_dialogue_without_differences_is_unchanged() {
    let played = play(PING).unwrap();
    assert!(played.differences.is_empty(), "{:?}", played.differences);
    assert_eq!(played.updated, PING);
}

/// A difference shows the expected and the actual output. The update keeps comments and lines that match.
#[test]
fn a_difference_is_reported_and_updated() {
    let wrong =
        PING.replace("\"id\":1}\n", "\"id\":\"*\"}\n").replace("S<", "# why\nS<") + "= Extra\n\n# end\n";
    let played = play(&wrong).unwrap();
    let [difference] = &played.differences[..] else { panic!("{:?}", played.differences) };
    assert!(
        difference.contains("after line 4, expected:") && difference.contains("    = Extra\n"),
        "{difference}"
    );
    assert_eq!(played.updated, wrong.replace("= Extra\n", ""));
    assert!(play(&played.updated).unwrap().differences.is_empty());
}

#[test]
fn unexpected_output_is_a_difference() {
    let silent = PING.lines().filter(|line| !line.starts_with("S<")).collect::<Vec<_>>().join("\n");
    let played = play(&silent).unwrap();
    assert_eq!(played.differences.len(), 1);
    assert!(played.updated.contains(r#"S< {"jsonrpc":"2.0","id":1,"result":{}}"#), "{}", played.updated);
}

/// A client sends its first message before any input.
#[test]
fn output_before_the_first_input_is_compared() {
    let played = play("role client\nera legacy 2025-11-25\n").unwrap();
    assert_eq!(played.differences.len(), 1);
    assert!(played.updated.starts_with("role client\nera legacy 2025-11-25\nC> {"), "{}", played.updated);
    assert!(play(&played.updated).unwrap().differences.is_empty());
}

#[test]
fn comparison_is_by_value_with_wildcards() {
    for (expected, said, same) in [
        (r#"S< {"a":1,"b":2}"#, r#"S< {"b":2,"a":1}"#, true),
        (r#"S< {"a":1}"#, r#"S< {"a":1,"b":2}"#, false),
        (r#"S< {"a":"*","b":[1,"*"]}"#, r#"S< {"a":{},"b":[1,null]}"#, true),
        (r#"S< {"a":1}"#, r#"S<[1] {"a":1}"#, false),
        (r#"S< {"a":1}"#, r#"S< {"a":"1"}"#, false),
        ("= Close the link *", "= Close the link failed: torn", true),
        ("= Close the link", "= Close the link failed: torn", false),
        ("= Done 1 {\"a\":1}", "= Done 2 {\"a\":1}", false),
    ] {
        assert_eq!(matches(expected, said), same, "{expected} / {said}");
    }
}

#[test]
fn faults_of_a_file_name_their_line() {
    for (text, why) in [
        ("C> {}\n", "line 1: the header needs `role client` or `role server`"),
        ("role server\n! jump\n", "line 2: no verb `jump` for a server"),
        ("role server\n@ 10s\n", "line 2: no duration"),
        ("role server\n! reply 1 {}\n", "line 2: there is no `1`"),
        ("role server\nC> {}\nhello\n", "line 3: neither a comment nor"),
        ("role client\nera old\n", "no era `old`"),
        ("role server\nbinding smoke\n", "no binding `smoke`"),
    ] {
        let error = play(text).unwrap_err();
        assert!(error.starts_with(why), "{error}");
    }
}
