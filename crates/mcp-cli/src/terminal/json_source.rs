//! A JSON object from the command line, from a file, or from stdin.

use std::io::Read;

use mcp_core::message::RawJson;

use crate::background;
use crate::exit::{Code, Failure};
use crate::signals::Signals;

/// The most that is read, in bytes.
const MAX: u64 = 16 << 20;

/// The object, see [`read`]. Reading may block while the user types; a signal ends it.
pub(crate) async fn object(signals: &Signals, source: &str, what: &'static str) -> Result<RawJson, Failure> {
    let source = source.to_owned();
    tokio::select! {
        read = background::run(move || read(&source, what)) => {
            read.unwrap_or_else(|| Err(Failure::new(Code::Io, format!("{what} could not be read"))))
        }
        signal = signals.first() => Err(Failure::signal(signal)),
    }
}

/// The object: as it is, from a file (`@FILE`), or from stdin (`-`). `what` names it in errors.
fn read(source: &str, what: &str) -> Result<RawJson, Failure> {
    let text = match (source, source.strip_prefix('@')) {
        ("-", _) => bounded(std::io::stdin().lock(), "stdin")?,
        (_, Some(path)) => {
            let file = std::fs::File::open(path)
                .map_err(|error| Failure::usage(format!("cannot read {path}")).because(error))?;
            bounded(file, path)?
        }
        (json, None) => json.as_bytes().to_vec(),
    };
    let json = RawJson::parse(text)
        .map_err(|error| Failure::usage(format!("{what}: this is not JSON")).because(error))?;
    if json.is_object() {
        return Ok(json);
    }
    Err(Failure::usage(format!("{what}: this is {}, and an object is wanted", json.kind_name())))
}

fn bounded(source: impl Read, name: &str) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    source
        .take(MAX + 1)
        .read_to_end(&mut text)
        .map_err(|error| Failure::usage(format!("cannot read {name}")).because(error))?;
    if text.len() as u64 > MAX {
        return Err(Failure::new(Code::Limit, format!("{name} holds more than {MAX} bytes")));
    }
    Ok(text)
}
