//! Finds processes that should have ended.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a process may take to disappear; only a bound for a hang.
const LIMIT: Duration = Duration::from_secs(120);

/// Waits until no process is left that `is_it` knows by its folder in `/proc`. The ids of those that stay.
///
/// Where there is no `/proc` nothing is found.
async fn gone(is_it: impl Fn(&Path) -> bool) -> Result<(), Vec<String>> {
    let start = Instant::now();
    loop {
        let left: Vec<String> = processes().filter(|folder| is_it(folder)).map(describe).collect();
        if left.is_empty() {
            return Ok(());
        }
        if start.elapsed() > LIMIT {
            return Err(left);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until no process of this group is left.
pub(crate) async fn group_is_gone(group: u32) -> Result<(), Vec<String>> {
    gone(|folder| group_of(folder) == Some(group)).await
}

/// Waits until no process has this text in its command line.
pub(crate) async fn command_is_gone(text: &str) -> Result<(), Vec<String>> {
    gone(|folder| command_of(folder).contains(text)).await
}

fn processes() -> impl Iterator<Item = PathBuf> {
    let is_number = |path: &PathBuf| path.file_name().is_some_and(|name| is_id(&name.to_string_lossy()));
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(is_number)
}

fn is_id(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_digit())
}

/// The fields behind the name, which is in parentheses: state, parent, group.
fn group_of(folder: &Path) -> Option<u32> {
    let stat = std::fs::read_to_string(folder.join("stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(2)?.parse().ok()
}

fn command_of(folder: &Path) -> String {
    let bytes = std::fs::read(folder.join("cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).replace('\0', " ")
}

fn describe(folder: PathBuf) -> String {
    format!("{}: {}", folder.display(), command_of(&folder))
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_process_is_found_until_it_is_gone() {
    use std::os::unix::process::CommandExt;

    let mark = "mcp-interop-mark";
    let mut command = std::process::Command::new("sh");
    let command =
        command.args(["-c", "read line", mark]).stdin(std::process::Stdio::piped()).process_group(0);
    let mut child = command.spawn().unwrap();
    let found = |check: &dyn Fn(&Path) -> bool| processes().filter(|folder| check(folder)).count();
    assert_eq!(found(&|folder| group_of(folder) == Some(child.id())), 1);
    assert_eq!(found(&|folder| command_of(folder).contains(mark)), 1);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(group_is_gone(child.id()).await, Ok(()));
}
