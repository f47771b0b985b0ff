//! Servers on loopback whose every answer is scripted, and which keep what they were asked.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::Value;

/// A request, as the server saw it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    /// `POST /mcp`
    pub(crate) line: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// `null` where the body is not JSON.
    pub(crate) body: Value,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The method of the message.
    pub(crate) fn rpc(&self) -> &str {
        self.body["method"].as_str().unwrap_or_default()
    }

    /// A result for it.
    pub(crate) fn result(&self, result: Value) -> Answer {
        Answer::json(200, serde_json::json!({"jsonrpc": "2.0", "id": self.body["id"], "result": result}))
    }
}

/// An answer: status, headers, body.
#[derive(Clone, Debug)]
pub(crate) struct Answer(u16, Vec<(String, String)>, String);

impl Answer {
    pub(crate) fn text(status: u16, body: &str) -> Answer {
        Answer(status, vec![("content-type".to_owned(), "text/plain".to_owned())], body.to_owned())
    }

    pub(crate) fn json(status: u16, body: Value) -> Answer {
        Answer(status, vec![("content-type".to_owned(), "application/json".to_owned())], body.to_string())
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Answer {
        self.1.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// A server that lives as long as the test.
pub(crate) struct Scripted {
    /// `http://127.0.0.1:PORT`
    pub(crate) origin: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Scripted {
    /// Answers every request by this.
    pub(crate) fn start(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Scripted {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (seen, answer) = (asked.clone(), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (seen, answer) = (seen.clone(), answer.clone());
                std::thread::spawn(move || serve(stream, &seen, &*answer));
            }
        });
        Scripted { origin, asked }
    }

    /// A server of 2026-07-28 with one tool, which wants these credentials.
    pub(crate) fn guarded(name: &'static str, value: &'static str) -> Scripted {
        Scripted::start(move |asked| match (asked.header(name) == Some(value), asked.rpc()) {
            (false, _) => Answer::text(401, "who are you?").with("www-authenticate", "Bearer realm=\"x\""),
            (true, method) => modern(asked, method),
        })
    }

    /// What was asked until now.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

/// What a server of 2026-07-28 with the tool `hello` answers.
pub(crate) fn modern(asked: &Asked, method: &str) -> Answer {
    let tool = serde_json::json!({"name": "hello", "inputSchema": {"type": "object"}});
    asked.result(match method {
        "server/discover" => {
            serde_json::json!({"resultType": "complete", "supportedVersions": ["2026-07-28"],
            "capabilities": {"tools": {}}, "ttlMs": 0, "cacheScope": "private",
            "_meta": {"io.modelcontextprotocol/serverInfo": {"name": "scripted", "version": "1"}}})
        }
        "tools/list" => serde_json::json!({"resultType": "complete", "tools": [tool], "ttlMs": 0,
            "cacheScope": "private"}),
        _ => serde_json::json!({"resultType": "complete", "content": [{"type": "text", "text": "hi"}]}),
    })
}

fn serve(stream: TcpStream, seen: &Mutex<Vec<Asked>>, answer: &dyn Fn(&Asked) -> Answer) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    loop {
        let Some(asked) = request(&mut reader) else { return };
        let Answer(status, headers, body) = answer(&asked);
        seen.lock().unwrap().push(asked);
        let mut head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if stream.write_all(format!("{head}\r\n{body}").as_bytes()).is_err() {
            return;
        }
    }
}

fn request(reader: &mut impl BufRead) -> Option<Asked> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut asked = Asked { line: line.rsplit_once(' ')?.0.to_owned(), ..Asked::default() };
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim_end().split_once(':') else { break };
        asked.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = asked.header("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    asked.body = serde_json::from_slice(&body).unwrap_or_default();
    Some(asked)
}
