//! The yardstick of clients, and the load generator for servers: keeps `--depth` calls in flight, matches answers by
//! number, and checks nothing.

use std::cell::Cell;
use std::process::Stdio;
use std::time::{Duration, Instant};

use mcp_bench::{Arguments, Era, Outcome, Report, cpu_of, run, wire};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{ChildStdin, ChildStdout, Command};

fn main() -> Outcome {
    let arguments = Arguments::read()?;
    run(&arguments, load(&arguments))
}

async fn load(arguments: &Arguments) -> Outcome {
    let before_start = Instant::now();
    let (program, rest) = arguments.server()?;
    let mut child = Command::new(program).args(rest).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut input = child.stdin.take().ok_or("no stdin")?;
    let mut output = BufReader::with_capacity(64 * 1024, child.stdout.take().ok_or("no stdout")?);
    if arguments.era == Era::Legacy {
        input.write_all(wire::INITIALIZE.as_bytes()).await?;
        output.read_until(b'\n', &mut Vec::new()).await?;
        input.write_all(wire::INITIALIZED.as_bytes()).await?;
    }
    let (own, pid) = (std::process::id(), child.id().unwrap_or_default());
    exchange(arguments, 1, &mut input, &mut output).await?;
    let first = before_start.elapsed();
    // A few calls as a warm-up, which is not measured.
    exchange(arguments, 2, &mut input, &mut output).await?;
    let (own_before, server_before) = (cpu_of(own), cpu_of(pid));
    let start = Instant::now();
    let latencies = exchange(arguments, arguments.calls, &mut input, &mut output).await?;
    let wall = start.elapsed();
    Report {
        wall,
        own_cpu: cpu_of(own).saturating_sub(own_before),
        server_cpu: cpu_of(pid).saturating_sub(server_before),
        tree_cpu: Duration::ZERO,
        first,
        latencies,
    }
    .print();
    drop(input);
    child.wait().await?;
    Ok(())
}

/// Makes the calls. Writes as many calls at once as answers were read at once.
async fn exchange(
    arguments: &Arguments,
    calls: usize,
    input: &mut ChildStdin,
    output: &mut BufReader<ChildStdout>,
) -> Outcome<Vec<Duration>> {
    let rest = wire::call_rest(arguments);
    let (mut sent, mut done) = (0, 0);
    let mut started = vec![None; calls];
    let mut latencies = Vec::with_capacity(calls);
    let (mut line, mut batch) = (Vec::new(), Vec::new());
    while done < calls {
        batch.clear();
        while sent < calls && sent - done < arguments.depth {
            batch.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
            batch.extend_from_slice(sent.to_string().as_bytes());
            batch.extend_from_slice(rest.as_bytes());
            started[sent] = Some(Instant::now());
            sent += 1;
        }
        // Concurrently, and reading continues until everything is written: a peer that is blocked writing answers
        // does not read calls.
        let written = Cell::new(false);
        let write = async {
            input.write_all(&batch).await?;
            input.flush().await?;
            written.set(true);
            Ok(())
        };
        let read = async {
            loop {
                line.clear();
                if output.read_until(b'\n', &mut line).await? == 0 {
                    return Err(std::io::ErrorKind::UnexpectedEof.into());
                }
                let answer: wire::Answer<'_> = serde_json::from_slice(&line)?;
                let began = started.get_mut(answer.id).and_then(Option::take);
                latencies.push(began.ok_or(std::io::ErrorKind::InvalidData)?.elapsed());
                done += 1;
                if done == sent || (written.get() && !output.buffer().contains(&b'\n')) {
                    return Ok::<_, std::io::Error>(());
                }
            }
        };
        tokio::try_join!(write, read)?;
    }
    Ok(latencies)
}
