//! Servers behind a URL: how they are named, what is sent, and how it fails.

use serde_json::json;

use crate::http::{Answer, Scripted, modern};
use crate::servers::Project;
use crate::{Run, closed_address, command, finish, mcp};

/// A secret that no run may ever show.
const CANARY: &str = "hunter2-canary";

fn mcp_with_env(args: &[&str], env: &[(&str, &str)]) -> Run {
    let mut command = command(args);
    command.envs(env.iter().copied());
    finish(command.spawn().unwrap())
}

fn open() -> Scripted {
    Scripted::start(|asked| modern(asked, asked.rpc()))
}

/// Convention 1: a URL stands where a name stands; without its scheme, loopback means http (FAULT A-B31).
#[test]
fn a_url_stands_where_a_name_stands() {
    let server = open();
    let url = format!("{}/mcp", server.origin);
    for target in [url.as_str(), url.strip_prefix("http://").unwrap()] {
        let run = mcp(&["call", target, "hello"]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(0), "hi\n"), "{run:?}");
        for command in ["info", "tools", "ping"] {
            let run = mcp(&[command, target, "--json"]);
            assert!(run.code == Some(0) && run.json().is_object(), "{command}: {run:?}");
        }
        let run = mcp(&["tool", target, "hello"]);
        assert!(run.stdout.ends_with(&format!("mcp call {target} hello\n")), "{run:?}");
    }
    // FAULT A-B2, A-B3: the URL is never rewritten.
    assert!(server.asked().iter().all(|asked| asked.line == "POST /mcp"));
    let run = mcp(&["call", &format!("{}/deep/er?x=1", server.origin), "hello"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(server.asked().last().unwrap().line, "POST /deep/er?x=1");
}

/// Entries of config files in all their spellings, with headers that are expanded.
#[test]
fn a_config_entry_may_have_a_url() {
    let server = Scripted::guarded("x-api-key", CANARY);
    let url = format!("{}/mcp", server.origin);
    let headers = json!({"X-Api-Key": "${CANARY_KEY}"});
    let entries = json!({
        "plain": {"url": url, "headers": headers},
        "server-url": {"serverUrl": url, "headers": headers},
        "http": {"type": "http", "httpUrl": url, "headers": headers},
        "streamable": {"type": "streamable-http", "url": "${HOST_URL}/mcp", "headers": headers},
        "sse": {"type": "sse", "url": url, "headers": headers},
        "wrong": {"url": url, "headers": {"X-Api-Key": "no"}},
    });
    let project = Project::new().file(".mcp.json", &json!({"mcpServers": entries}).to_string());
    let env = [("CANARY_KEY", CANARY), ("HOST_URL", server.origin.as_str())];
    for name in ["plain", "server-url", "http", "streamable", "sse"] {
        let run = project.mcp_with_env(&["call", name, "hello"], &env);
        assert_eq!((run.code, run.stdout.as_str()), (Some(0), "hi\n"), "{name}: {run:?}");
    }
    // The command line goes before the file.
    let run = project.mcp_with_env(&["call", "wrong", "hello", "--header-env", "x-api-key=CANARY_KEY"], &env);
    assert_eq!(run.code, Some(0), "{run:?}");
    let run = project.mcp_with_env(&["call", "wrong", "hello", "--json"], &env);
    assert_eq!((run.code, run.error_code().as_str()), (Some(3), "auth_required"), "{run:?}");
    let run = project.mcp_with_env(&["config", "check", "--json"], &env);
    assert_eq!((run.code, run.json()["ok"].as_bool()), (Some(0), Some(true)), "{run:?}");
    for words in [&["config", "show", "streamable", "--json"][..], &["config", "list"]] {
        let run = project.mcp_with_env(words, &env);
        assert!(run.code == Some(0) && !run.stdout.contains(CANARY), "{run:?}");
    }
    let shown = project.mcp_with_env(&["config", "show", "streamable", "--json"], &env).json();
    assert_eq!(shown["url"], url, "expanded: {shown}");
}

/// 401 and 403 are exit code 3, with status and URL in the error line.
#[test]
fn missing_credentials_are_exit_code_3() {
    for (status, code) in [(401, "auth_required"), (403, "forbidden")] {
        let server = Scripted::start(move |_| {
            Answer::text(status, "go away").with("www-authenticate", "Bearer realm=\"x\"")
        });
        let url = format!("{}/mcp", server.origin);
        let run = mcp(&["tools", &url, "--json"]);
        assert_eq!((run.code, run.error_code().as_str()), (Some(3), code), "{run:?}");
        let error = run.error();
        assert_eq!((&error["status"], &error["url"]), (&json!(status), &json!(url)));
        assert!(error["cause"].as_str().unwrap().contains("Bearer realm"), "{error}");
        assert_eq!(server.asked().len(), 1, "a refusal is asked for once");
        let run = mcp(&["tools", &url]);
        assert!(run.stderr.contains("go away") && run.stderr.contains(&url), "{run:?}");
    }
}

/// Each answer that is not MCP has its code; where another kind of server answers, the search is proposed.
#[test]
fn what_is_no_mcp_has_its_exit_code() {
    let rows = [
        (Answer::text(404, "nothing"), 4, "unreachable", true),
        (Answer::text(405, "nothing"), 4, "unreachable", true),
        (Answer::text(200, "<html>"), 6, "protocol", true),
        (Answer::text(500, "oops"), 4, "unreachable", false),
        (Answer::text(503, "later").with("retry-after", "9"), 4, "unreachable", false),
        (Answer::text(429, "slow down"), 4, "unreachable", false),
        (Answer::text(302, "").with("location", "https://h.test/login"), 4, "unreachable", false),
    ];
    for (answer, exit, code, elsewhere) in rows {
        let script = answer.clone();
        let server = Scripted::start(move |_| script.clone());
        let run = mcp(&["tools", &server.origin, "--json"]);
        assert_eq!((run.code, run.error_code().as_str()), (Some(exit), code), "{answer:?}: {run:?}");
        let error = run.error();
        assert_eq!(error["url"], format!("{}/", server.origin), "{error}");
        let hint = error["hint"].as_str().unwrap_or_default().to_owned();
        assert_eq!(hint.contains("mcp discover"), elsewhere, "{answer:?}: {hint}");
        if code != "protocol" {
            assert!(error["status"].is_u64(), "{answer:?}: {error}");
        }
    }
}

/// FAULT C-23: no server listens there.
#[test]
fn a_refused_connection_is_exit_code_4() {
    let (_bound, target) = closed_address();
    for command in ["tools", "discover"] {
        let run = mcp(&[command, &target, "--json"]);
        assert_eq!((run.code, run.error_code().as_str()), (Some(4), "unreachable"), "{command}: {run:?}");
        assert!(run.error()["url"].as_str().unwrap().contains(&target), "{run:?}");
    }
}

/// Secrets come from the environment or from headers; none is shown, for every command and every failure
/// (FAULTS B, token logging).
#[test]
fn no_secret_is_ever_shown() {
    let guarded = Scripted::guarded("authorization", "Bearer hunter2-canary");
    let refusing = Scripted::start(|_| Answer::text(401, "no"));
    let broken = Scripted::start(|_| Answer::text(404, "no"));
    let header = format!("Authorization: Bearer {CANARY}");
    let secrets: &[&[&str]] = &[
        &["--bearer-env", "CANARY_TOKEN"],
        &["--header-env", "Authorization=CANARY_HEADER"],
        &["-H", &header],
        &["-H", &header, "--header-env", "X-More=CANARY_TOKEN"],
    ];
    let env = [("CANARY_TOKEN", CANARY), ("CANARY_HEADER", &header["Authorization: ".len()..])];
    for (server, exit) in [(&guarded, 0), (&refusing, 3), (&broken, 4)] {
        let url = format!("{}/mcp?key={CANARY}", server.origin);
        for options in secrets {
            for more in [&[][..], &["--json"], &["-vv"], &["-vvv", "--trace"], &["--trace", "--json"]] {
                for words in [&["call", &url, "hello"][..], &["discover", &url]] {
                    let args = [words, options, more].concat();
                    let run = mcp_with_env(&args, &env);
                    assert_eq!(run.code, Some(exit), "{args:?}: {run:?}");
                    assert!(
                        !run.stdout.contains(CANARY) && !run.stderr.contains(CANARY),
                        "{args:?}: {run:?}"
                    );
                }
            }
        }
    }
    assert!(guarded.asked().iter().all(|asked| asked.header("authorization") == Some(env[1].1)));
}

/// The same for what is refused before anything is sent.
#[test]
fn no_secret_is_in_a_usage_error() {
    let secret = format!("https://user:{CANARY}@h.test/mcp?key={CANARY}");
    let header = format!("Authorization {CANARY}");
    let named = format!("Bearer {CANARY}: x");
    let rows: &[&[&str]] = &[
        &["tools", &secret],
        &["tools", &format!("wss://user:{CANARY}@h.test/?k={CANARY}")],
        &["tools", &format!("ftp://user:{CANARY}@h.test/?k={CANARY}")],
        &["tools", &format!("http://h.test/mcp?key={CANARY}")],
        &["tools", "https://h.test/mcp", "-H", &header],
        &["tools", "https://h.test/mcp", "-H", &named],
        &["tools", "https://h.test/mcp", "-H", &format!("X: a\n{CANARY}")],
        &["tools", &secret, "--", "x"],
        &["tools", &format!("https://h.test:{CANARY}/")],
        &["tools", "http://h.test/mcp", "--bearer-env", "CANARY_TOKEN"],
        &["tools", "https://h.test/mcp", "--bearer-env", "CANARY_BROKEN"],
    ];
    for args in rows {
        for more in [&[][..], &["--json"], &["-vv"]] {
            let env = [("CANARY_TOKEN", CANARY), ("CANARY_BROKEN", &format!("{CANARY}\nx"))];
            let run = mcp_with_env(&[args, more].concat(), &env.map(|(name, value)| (name, value)));
            assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{args:?}: {run:?}");
            assert!(!run.stderr.contains(CANARY), "{args:?}: {run:?}");
        }
    }
}

/// Convention 10: credentials do not cross a network in the clear, unless an option allows it.
#[test]
fn credentials_over_http_are_refused_off_loopback() {
    for secret in
        [&["--bearer-env", "CANARY_TOKEN"][..], &["-H", "X-Api-Key: k"], &["--header-env", "X=CANARY_TOKEN"]]
    {
        let args = [&["tools", "http://h.invalid/mcp", "--json"], secret].concat();
        let run = mcp_with_env(&args, &[("CANARY_TOKEN", CANARY)]);
        assert_eq!((run.code, run.error_code().as_str()), (Some(2), "usage"), "{run:?}");
        assert!(run.error()["hint"].as_str().unwrap().contains("--allow-http"), "{run:?}");
        let run = mcp_with_env(&[&args[..], &["--allow-http"]].concat(), &[("CANARY_TOKEN", CANARY)]);
        assert_eq!((run.code, run.error_code().as_str()), (Some(4), "unreachable"), "{run:?}");
    }
    // Nothing secret, nothing to refuse.
    let run = mcp(&["tools", "http://h.invalid/mcp", "--json"]);
    assert_eq!((run.code, run.error_code().as_str()), (Some(4), "unreachable"), "{run:?}");
}

/// `ws://` is known and not built.
#[test]
fn a_websocket_is_refused_with_a_reason() {
    for url in ["ws://h.test/mcp", "WSS://h.test/mcp"] {
        for command in ["tools", "discover"] {
            let run = mcp(&[command, url, "--json"]);
            assert_eq!((run.code, run.error_code().as_str()), (Some(2), "usage"), "{run:?}");
            assert!(
                run.error()["cause"].as_str().unwrap().contains("reserved and not implemented"),
                "{run:?}"
            );
        }
    }
    let project = Project::new().file(
        ".mcp.json",
        &json!({"mcpServers": {"x": {"type": "ws", "url": "ws://h.test/mcp"}}}).to_string(),
    );
    assert_eq!(project.mcp(&["tools", "x", "--json"]).code, Some(2));
    assert_eq!(project.mcp(&["config", "check", "--json"]).code, Some(2));
}

/// Options of the one kind of server mean nothing for the other, and are not dropped silently.
#[test]
fn options_for_the_other_kind_of_server_are_refused() {
    let rows: &[&[&str]] = &[
        &["tools", "https://h.test/mcp", "-e", "A=1"],
        &["tools", "https://h.test/mcp", "--cwd", "/"],
        &["tools", "https://h.test/mcp", "--pass-env", "HOME"],
        &["tools", "-H", "A: b", "--", "server"],
        &["tools", "--bearer-env", "HOME", "--", "server"],
        &["tools", "--insecure", "--", "server"],
        &["tools", "--bearer-env", "NOT_SET_ANYWHERE", "https://h.test/mcp"],
        &["tools", "--ca-cert", "/nowhere.pem", "https://h.test/mcp"],
    ];
    for args in rows {
        let mut args = args.to_vec();
        args.insert(1, "--json");
        let run = mcp(&args);
        assert_eq!((run.code, run.error_code().as_str()), (Some(2), "usage"), "{args:?}: {run:?}");
    }
}

/// `--max-message` holds over HTTP too; the error names the limit.
#[test]
fn limits_hold_over_http() {
    let server = open();
    let run = mcp(&["tools", &server.origin, "--max-message", "100", "--json"]);
    assert_eq!((run.code, run.error_code().as_str()), (Some(7), "limit"), "{run:?}");
    assert!(run.error()["message"].as_str().unwrap().contains("100 bytes"), "{run:?}");
}

/// An entry for other programs refers to secrets by their variables.
#[test]
fn an_entry_with_a_url_is_written_for_other_programs() {
    let options = ["--bearer-env", "CANARY_TOKEN", "-H", "X-Team-Id: hunter2-canary", "--json"];
    let args = [&["config", "to-json", "mcp.example.com/mcp"], &options[..]].concat();
    let run = mcp_with_env(&args, &[("CANARY_TOKEN", CANARY)]);
    let wanted = json!({"mcpServers": {"mcp.example.com": {"type": "http", "url": "https://mcp.example.com/mcp",
        "headers": {"X-Team-Id": "${X_TEAM_ID}", "Authorization": "Bearer ${CANARY_TOKEN}"}}}});
    assert_eq!(run.json(), wanted);
}

/// FAULT F-C16: an error on the way through a proxy names the proxy, whether it is down or refuses.
#[test]
fn errors_through_a_proxy_name_it() {
    let (_bound, closed) = closed_address();
    let refuses = Scripted::start(|_| Answer::text(502, "no route"));
    let refuses = refuses.origin.trim_start_matches("http://").to_owned();
    for (proxy, code) in [(closed, "unreachable"), (refuses, "unreachable")] {
        let env = [("http_proxy", format!("http://{proxy}")), ("no_proxy", String::new())];
        let env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let run = mcp_with_env(&["tools", "http://mcp.example.test/mcp", "--json"], &env);
        assert_eq!((run.code, run.error_code().as_str()), (Some(4), code), "{run:?}");
        assert!(run.stderr.contains(&proxy), "{run:?}");
        let run = mcp_with_env(&["tools", "http://mcp.example.test/mcp"], &env);
        assert!(run.stderr.contains(&proxy), "{run:?}");
    }
}

/// FAULT F-C2: a server that fails on the first question gets a hint at the older era.
#[test]
fn a_server_that_fails_on_the_first_question_is_hinted_at() {
    let server = Scripted::start(|_| Answer::text(500, "Internal Server Error"));
    let run = mcp(&["tools", &format!("{}/mcp", server.origin), "--json"]);
    assert_eq!(run.error_code(), "unreachable", "{run:?}");
    assert!(run.error()["hint"].as_str().unwrap().contains("--era legacy"), "{run:?}");
    let run = mcp(&["tools", &format!("{}/mcp", server.origin), "--json", "--era", "legacy"]);
    assert!(!run.stderr.contains("--era legacy"), "{run:?}");
}
