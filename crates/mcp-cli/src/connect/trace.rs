//! `--trace`: every message on the wire as a JSON line, without secrets.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use mcp_core::transport::trace::{Record, Tracer};

use crate::exit::{Code, Failure};
use crate::lock::Lock;
use crate::terminal::out;

/// A tracer that writes to this file, or to stderr for `-`.
pub(crate) fn tracer(path: &Path) -> Result<Tracer, Failure> {
    if path.as_os_str() == "-" {
        return Ok(Tracer::new(|record: &Record| out::note_json(&record.to_ndjson())));
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
    Ok(Tracer::new(move |record: &Record| {
        let mut file = file.lock();
        // A full disk ends the trace, not the run.
        let _not_written = writeln!(file, "{}", record.to_ndjson());
    }))
}
