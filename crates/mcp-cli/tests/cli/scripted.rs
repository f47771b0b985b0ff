//! Servers made of a shell script: they speak 2025-11-25 and answer each method with a fixed text.

use crate::{Run, mcp};

const HEAD: &str = r#"
answer() { printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$1"; }
while IFS= read -r line; do
  id=$(printf '%s' "$line" | sed -n 's/.*"id":\([^,}]*\).*/\1/p')
  case $line in
    *'"initialize"'*) answer '{"protocolVersion":"2025-11-25","serverInfo":{"name":"script","version":"1"},
      "capabilities":{"tools":{},"resources":{"subscribe":true}}}' ;;
"#;
const TAIL: &str = "  esac\ndone\n";

/// The script of a server: `cases` are patterns of `case` with what is done for each.
pub(crate) fn script(cases: &str) -> String {
    // A message is one line.
    let head = HEAD.replace(",\n      \"capabilities\"", ",\"capabilities\"");
    format!("{head}{cases}{TAIL}")
}

/// Runs the program against such a server.
pub(crate) fn scripted(before: &[&str], cases: &str) -> Run {
    mcp(&[before, &["--era", "legacy", "--", "sh", "-c", &script(cases)]].concat())
}
