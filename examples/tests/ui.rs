//! The messages of the compiler for mistakes that newcomers make. Each of them has to name the remedy.
//!
//! After a change of messages: `TRYBUILD=overwrite cargo test -p mcp-examples --test ui`, and read the difference.

/// The messages are those of this compiler; others write them differently.
const COMPILER: &str = "rustc 1.95.";

#[test]
fn messages_name_the_remedy() {
    let version = std::process::Command::new("rustc").arg("--version").output();
    let version =
        version.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    if !version.starts_with(COMPILER) {
        println!("skipped: the messages are those of {COMPILER}x, not of {version}");
        return;
    }
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
