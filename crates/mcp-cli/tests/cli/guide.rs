//! What docs/cli.md shows is what the program prints.

use crate::MCP;
use crate::servers::Project;

/// The commands of the guide and what it shows of their output.
fn shown(guide: &str) -> Vec<(String, String)> {
    let blocks = guide.split("```console\n").skip(1).filter_map(|block| block.split_once("```"));
    let commands = blocks.flat_map(|(block, _)| block.split("$ ").skip(1));
    commands
        .filter_map(|command| command.split_once('\n'))
        .map(|(line, output)| (line.trim().to_owned(), output.to_owned()))
        .collect()
}

/// The words after `mcp` of a command against the demo server, which needs nothing else and ends by itself. Not `ping`, whose
/// times differ.
fn words(line: &str) -> Option<Vec<String>> {
    let line = line.strip_suffix("< /dev/null").unwrap_or(line);
    let words = shlex::split(line)?;
    let (program, words) = words.split_first()?;
    let to_demo = words.ends_with(&["--".to_owned(), "mcp".to_owned(), "serve-demo".to_owned()])
        || words.iter().any(|word| word == "--fault")
        || words.get(1).is_some_and(|name| name == "demo");
    let plain = !line.contains(['|', '&']) && !words.iter().any(|word| word == "--listen");
    let other = ["ping", "listen", "shell", "config", "bridge"];
    (program == "mcp" && to_demo && plain && !other.contains(&words[0].as_str())).then(|| words.to_vec())
}

#[test]
fn the_output_in_the_guide_is_real() {
    let guide = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/cli.md"));
    let Ok(guide) = guide else { return };
    let servers = serde_json::json!({"mcpServers": {"demo": {"command": MCP, "args": ["serve-demo"]}}});
    let project = Project::new().file(".mcp.json", &servers.to_string());
    let mut compared = 0;
    for (line, output) in shown(&guide) {
        let Some(words) = words(&line) else { continue };
        let words: Vec<&str> = words.iter().map(|word| if word == "mcp" { MCP } else { word }).collect();
        let run = project.mcp(&words);
        let printed = format!("{}{}", run.stdout, run.stderr);
        assert_eq!(printed.trim_end(), output.trim_end(), "{line}");
        compared += 1;
    }
    assert!(compared >= 15, "{compared} commands were compared");
}
