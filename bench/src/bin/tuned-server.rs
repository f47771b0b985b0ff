//! The same as `raw-server` with all that can be had by hand: pipes without threads, and one write for all
//! the answers to what one read brought. Needs pipes at stdin and stdout, and Unix.

#[cfg(unix)]
use std::os::fd::AsFd;

#[cfg(unix)]
use mcp_bench::wire;
use mcp_bench::{Arguments, Outcome, run};
#[cfg(unix)]
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
#[cfg(unix)]
use tokio::net::unix::pipe::{Receiver, Sender};

fn main() -> Outcome {
    let arguments = Arguments::read()?;
    run(&arguments, serve())
}

#[cfg(not(unix))]
async fn serve() -> Outcome {
    Err("only on Unix".into())
}

#[cfg(unix)]
async fn serve() -> Outcome {
    let input = Receiver::from_owned_fd(std::io::stdin().as_fd().try_clone_to_owned()?)?;
    let mut input = BufReader::with_capacity(64 * 1024, input);
    let mut output = Sender::from_owned_fd(std::io::stdout().as_fd().try_clone_to_owned()?)?;
    let (mut line, mut answers) = (Vec::new(), Vec::new());
    loop {
        line.clear();
        if input.read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        let call: wire::Call<'_> = serde_json::from_slice(&line)?;
        if let Some(id) = call.id {
            wire::write_answer(&call, id, &mut answers)?;
        }
        if !input.buffer().contains(&b'\n') {
            output.write_all(&answers).await?;
            answers.clear();
        }
    }
}
