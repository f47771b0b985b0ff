//! What goes wrong with processes and standard streams.

use std::fmt;
use std::io;
use std::path::PathBuf;

use mcp_core::transport::{ConnectError, TransportError};

/// An error of this crate. Get it by a downcast from [`TransportError::get_ref`].
///
/// It names the program and the directory, never an argument or a variable, which may be secrets.
#[derive(Debug)]
#[non_exhaustive]
pub enum StdioError {
    /// The program could not be started.
    Spawn {
        /// The program.
        program: PathBuf,
        /// The directory, if one was set.
        cwd: Option<PathBuf>,
        /// The cause.
        source: io::Error,
        /// What is probably wrong with the command or the file, if that is known.
        reason: Option<String>,
    },
    /// The directory does not exist, or is not a directory.
    Cwd {
        /// The program.
        program: PathBuf,
        /// The directory.
        cwd: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The standard streams of this process already carry a link.
    Taken,
    /// The standard streams of this process could not be taken over.
    Streams(io::Error),
}

impl StdioError {
    /// The same failure as the contract names it: hopeless, or worth another try.
    pub(crate) fn into_connect_error(self) -> ConnectError {
        use io::ErrorKind::{InvalidInput, IsADirectory, NotADirectory, NotFound, PermissionDenied};
        let hopeless = match &self {
            StdioError::Spawn { source, .. } => {
                matches!(source.kind(), NotFound | PermissionDenied | InvalidInput)
                    || matches!(source.kind(), IsADirectory | NotADirectory)
                    || crate::sys::is_not_executable(source)
            }
            StdioError::Cwd { .. } | StdioError::Taken => true,
            StdioError::Streams(_) => false,
        };
        let error = TransportError::new(self);
        if hopeless { ConnectError::Unusable(error) } else { ConnectError::Unreachable(error) }
    }
}

impl fmt::Display for StdioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StdioError::Spawn { program, cwd, reason, .. } => {
                write!(f, "cannot start {}", program.display())?;
                if let Some(cwd) = cwd {
                    write!(f, " in {}", cwd.display())?;
                }
                match reason {
                    Some(reason) => write!(f, " ({reason})"),
                    None => Ok(()),
                }
            }
            StdioError::Cwd { program, cwd, .. } => {
                write!(f, "cannot start {} in the directory {}", program.display(), cwd.display())
            }
            StdioError::Taken => f.write_str("the standard streams of this process already carry a link"),
            StdioError::Streams(_) => f.write_str("cannot take over the standard streams"),
        }
    }
}

impl std::error::Error for StdioError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            StdioError::Spawn { source, .. } | StdioError::Cwd { source, .. } => Some(source),
            StdioError::Streams(source) => Some(source),
            StdioError::Taken => None,
        }
    }
}
