//! `--trace`: every message on the wire as a JSON line, without secrets.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use mcp_core::transport::trace::{Record, Tracer};

use crate::exit::{Code, Failure};
use crate::lock::Lock;
use crate::terminal::out;

/// A tracer that writes to this file, or to stderr for `-`.
pub(crate) fn tracer(path: &Path) -> Result<Tracer, Failure> {
    let write = sink(path)?;
    Ok(Tracer::new(move |record: &Record| write(&record.to_ndjson())))
}

/// Two tracers to one place, whose records say on which side of a bridge they were made: `"side":"client"` and
/// `"side":"server"`.
pub(crate) fn both_sides(path: &Path) -> Result<(Tracer, Tracer), Failure> {
    let write = Arc::new(sink(path)?);
    let side = |name: &'static str| {
        let write = write.clone();
        Tracer::new(move |record: &Record| {
            let record = record.to_ndjson();
            write(&format!("{{\"side\":\"{name}\",{}", record.get(1..).unwrap_or_default()));
        })
    };
    Ok((side("client"), side("server")))
}

type Sink = Box<dyn Fn(&str) + Send + Sync>;

/// Writes lines to this file, or to stderr for `-`.
fn sink(path: &Path) -> Result<Sink, Failure> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(out::note_json));
    }
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    // Only the user may read what passed.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).map_err(|error| {
        Failure::new(Code::Io, format!("cannot write the trace to {}", path.display())).because(error)
    })?;
    let file = Lock::new(file);
    Ok(Box::new(move |line: &str| {
        let mut file = file.lock();
        // A full disk ends the trace, not the run.
        let _not_written = writeln!(file, "{line}");
    }))
}
