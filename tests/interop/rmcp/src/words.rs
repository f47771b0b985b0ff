//! How the steps of the conversation are asked of our demo server, and of server-everything.

use serde_json::{Value, json};

/// The server that is talked to.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Words {
    Demo,
    Everything,
}

/// A tool and its arguments.
type Call = (&'static str, Value);

impl Words {
    pub(crate) fn of_environment() -> Words {
        match std::env::var("MCP_SERVER") {
            Ok(name) if name == "everything" => Words::Everything,
            _ => Words::Demo,
        }
    }

    pub(crate) fn tools(self) -> [&'static str; 2] {
        ["echo", self.slow(1).0]
    }

    pub(crate) fn echo(self, text: &str) -> (Call, String) {
        match self {
            Words::Demo => (("echo", json!({"text": text})), text.to_owned()),
            Words::Everything => (("echo", json!({"message": text})), format!("Echo: {text}")),
        }
    }

    pub(crate) fn add(self) -> (Call, &'static str) {
        let numbers = json!({"a": 2, "b": 40});
        match self {
            Words::Demo => (("add", numbers), "42"),
            Words::Everything => (("get-sum", numbers), "The sum of 2 and 40 is 42."),
        }
    }

    pub(crate) fn slow(self, steps: u32) -> Call {
        match self {
            Words::Demo => ("slow", json!({"steps": steps, "delay_ms": 20})),
            Words::Everything => (
                "trigger-long-running-operation",
                json!({"steps": steps, "duration": f64::from(steps) * 0.02}),
            ),
        }
    }

    pub(crate) fn fail(self) -> Call {
        match self {
            Words::Demo => ("fail", json!({})),
            Words::Everything => ("get-sum", json!({"a": "not a number"})),
        }
    }

    pub(crate) fn big(self) -> Option<Call> {
        (self == Words::Demo).then(|| ("big", json!({"bytes": 2 << 20})))
    }

    /// One that is listed, one that can be read, and the number of templates.
    pub(crate) fn resource(self) -> (&'static str, &'static str, usize) {
        match self {
            Words::Demo => ("demo://readme", "demo://readme", 1),
            Words::Everything => {
                ("demo://resource/static/document/features.md", "demo://resource/dynamic/text/7", 2)
            }
        }
    }

    pub(crate) fn prompt(self) -> &'static str {
        if self == Words::Demo { "greet" } else { "args-prompt" }
    }

    /// A prompt, its argument and how that begins; what it may be.
    pub(crate) fn completion(self) -> ([&'static str; 3], [&'static str; 2]) {
        match self {
            Words::Demo => (["greet", "city", "Li"], ["Lima", "Lisbon"]),
            Words::Everything => (["completable-prompt", "department", "S"], ["Sales", "Support"]),
        }
    }

    pub(crate) fn ask(self) -> (Call, &'static str) {
        match self {
            Words::Demo => (("ask", json!({})), "Hello, Ada!"),
            Words::Everything => (("trigger-elicitation-request", json!({})), "- Name: Ada"),
        }
    }

    /// A call that adds a resource, and that resource.
    pub(crate) fn touch(self) -> (Call, &'static str) {
        match self {
            Words::Demo => (("touch", json!({})), "demo://note/1"),
            Words::Everything => {
                let file =
                    json!({"name": "a.gz", "data": "data:text/plain,hello", "outputType": "resourceLink"});
                (("gzip-file-as-resource", file), "demo://resource/session/a.gz")
            }
        }
    }
}
