//! Why a program cannot be started, where its name or its first line shows it.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::evidence::quote;

/// How much of a file is looked at, in bytes. A system reads about as much of the line that names the interpreter.
const FIRST_LINE: u64 = 256;

/// What is probably wrong, in words.
pub(crate) fn spawn_failure(program: &Path, cwd: Option<&PathBuf>, source: &io::Error) -> Option<String> {
    let text = program.to_str()?;
    if text.starts_with('~') {
        return Some("`~` means the home directory to a shell only: write the whole path".to_owned());
    }
    if source.kind() != io::ErrorKind::NotFound && !crate::sys::is_not_executable(source) {
        return None;
    }
    let file = cwd.filter(|_| text.contains('/')).map_or(program.to_owned(), |cwd| cwd.join(program));
    if text.contains('/') && file.is_file() {
        return interpreter(&file);
    }
    let (first, rest) = text.split_once(' ')?;
    // A path may have blanks in it; then its first word is a path too, and not a program.
    (!first.is_empty() && !first.contains('/')).then(|| {
        format!(
            "the program would be `{}`, with the arguments `{}` apart from it",
            quote(first.as_bytes()),
            quote(rest.as_bytes())
        )
    })
}

/// What is wrong with the interpreter that the first line names.
fn interpreter(file: &Path) -> Option<String> {
    let mut start = Vec::new();
    File::open(file).ok()?.take(FIRST_LINE).read_to_end(&mut start).ok()?;
    let Some(line) = start.strip_prefix(b"#!") else {
        return Some(
            "it is neither a program for this system nor a script that names its interpreter".to_owned(),
        );
    };
    let line = line.split(|byte| *byte == b'\n').next()?;
    if line.ends_with(b"\r") {
        return Some(
            "its first line ends in CR LF, and the CR counts as part of the interpreter's name".to_owned(),
        );
    }
    let name = String::from_utf8_lossy(line).split_whitespace().next()?.to_owned();
    (!Path::new(&name).exists()).then(|| format!("its interpreter {} does not exist", quote(name.as_bytes())))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use crate::ChildCommand;

    fn reason(program: &str) -> String {
        let error = ChildCommand::new(program).spawn().err().unwrap();
        mcp_core::transport::ErrorChain::new(&error).to_string()
    }

    /// FAULT F-C14: the reason is named, not only "no such file".
    #[tokio::test]
    async fn the_reason_of_a_failed_start_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let script = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
            reason(path.to_str().unwrap())
        };
        assert!(script("crlf", "#!/bin/sh\r\necho\r\n").contains("CR LF"));
        assert!(
            script("gone", "#!/no/such/python -u\n")
                .contains("its interpreter /no/such/python does not exist")
        );
        assert!(script("text", "just text\n").contains("neither a program"));
        assert!(reason("npx -y x").contains("the program would be `npx`, with the arguments `-y x`"));
        assert!(reason("~/bin/server").contains("home directory"));
        assert!(reason("no-such-program").contains("(os error 2)"));
    }
}
