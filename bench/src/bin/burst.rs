//! Writes `--calls` calls at once to a server over stdio, then reads the answers: how many were answered, how many were
//! refused, and the most memory that the server held.

use std::process::Stdio;

use mcp_bench::{Arguments, Era, Outcome, run, wire};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;

fn main() -> Outcome {
    let arguments = Arguments::read()?;
    run(&arguments, burst(&arguments))
}

async fn burst(arguments: &Arguments) -> Outcome {
    let (program, rest) = arguments.server()?;
    let mut child = Command::new(program).args(rest).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut input = child.stdin.take().ok_or("no stdin")?;
    let mut output = BufReader::with_capacity(64 * 1024, child.stdout.take().ok_or("no stdout")?);
    if arguments.era == Era::Legacy {
        input.write_all(wire::INITIALIZE.as_bytes()).await?;
        output.read_until(b'\n', &mut Vec::new()).await?;
        input.write_all(wire::INITIALIZED.as_bytes()).await?;
    }
    let rest = wire::call_rest(arguments);
    let mut calls = Vec::new();
    for id in 0..arguments.calls {
        calls.extend_from_slice(format!(r#"{{"jsonrpc":"2.0","id":{id}{rest}"#).as_bytes());
    }
    let write = async {
        input.write_all(&calls).await?;
        input.flush().await
    };
    let read = async {
        let (mut answered, mut refused, mut line) = (0_usize, 0_usize, Vec::new());
        while answered + refused < arguments.calls {
            line.clear();
            if output.read_until(b'\n', &mut line).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            if line.windows(8).any(|window| window == b"\"error\":") { refused += 1 } else { answered += 1 }
        }
        Ok::<_, std::io::Error>((answered, refused))
    };
    let ((), (answered, refused)) = tokio::try_join!(write, read)?;
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id().unwrap_or_default()));
    let peak = status.unwrap_or_default();
    let peak = peak.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.and_then(|kib| kib.trim().strip_suffix(" kB")).unwrap_or("0");
    println!("answered={answered} refused={refused} peak_kib={peak}");
    drop(input);
    child.wait().await?;
    Ok(())
}
