//! Files that people write: read whole, within a bound, and never waited for.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

/// The most that is read of a file, in bytes.
const MAX: u64 = 4 << 20;

/// The text of a regular file. A device, a pipe or a directory is refused: it may have no end, or block.
pub(crate) fn read_regular(path: &Path) -> Result<String, String> {
    let unreadable = |error: io::Error| format!("cannot be read: {error}");
    let is_file = |meta: &std::fs::Metadata| meta.is_file().then_some(()).ok_or("is not a regular file");
    // Looked at before it is opened, since opening may block or act; and after, since it may have changed.
    is_file(&std::fs::metadata(path).map_err(unreadable)?)?;
    let file = open(path).map_err(unreadable)?;
    is_file(&file.metadata().map_err(unreadable)?)?;
    text(file)
}

/// The text of any file that has an end: a certificate may come through a pipe.
pub(crate) fn read_any(path: &Path) -> Result<String, String> {
    text(File::open(path).map_err(|error| format!("cannot be read: {error}"))?)
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        let flags = rustix::fs::OFlags::NONBLOCK.bits();
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags.cast_signed());
    }
    options.open(path)
}

fn text(file: File) -> Result<String, String> {
    let mut bytes = Vec::new();
    file.take(MAX + 1).read_to_end(&mut bytes).map_err(|error| format!("cannot be read: {error}"))?;
    if bytes.len() as u64 > MAX {
        return Err(format!("is larger than {MAX} bytes"));
    }
    String::from_utf8(bytes).map_err(|error| format!("is not UTF-8: {error}"))
}

/// Writes beside the file and puts it in its place: a crash leaves the old file or the new one. Others
/// cannot read it: it may have secrets.
pub(crate) fn write_private(path: &Path, text: &str) -> io::Result<()> {
    // A link stays a link.
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let beside = folder.join(name);
    let mut open = OpenOptions::new();
    open.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut open, 0o600);
    let written = open
        .open(&beside)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        })
        .and_then(|()| std::fs::rename(&beside, &path));
    if written.is_err() {
        // Nothing more can be done if that fails as well.
        let _left_over = std::fs::remove_file(&beside);
    }
    written
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// FAULT F-A11: devices, pipes and directories are refused at once, and what grows is cut off.
    #[test]
    fn only_regular_files_are_read_and_only_so_far() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR)
            .unwrap();
        for path in [fifo.as_path(), Path::new("/dev/zero"), folder.path()] {
            assert_eq!(read_regular(path).unwrap_err(), "is not a regular file", "{}", path.display());
        }
        assert!(read_any(Path::new("/dev/zero")).unwrap_err().contains("larger than"));
        let large = folder.path().join("large");
        std::fs::write(&large, vec![b'x'; 5 << 20]).unwrap();
        assert!(read_regular(&large).unwrap_err().contains("larger than"));
        std::fs::write(&large, b"\xff").unwrap();
        assert!(read_regular(&large).unwrap_err().contains("UTF-8"));
        std::fs::write(&large, "text").unwrap();
        assert_eq!(read_regular(&large).unwrap(), "text");
    }
}
