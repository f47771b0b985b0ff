//! The yardstick of servers: a tokio loop over lines that parses three fields, answers, and checks nothing.

use mcp_bench::{Arguments, Outcome, run, wire};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

fn main() -> Outcome {
    let arguments = Arguments::read()?;
    run(&arguments, serve())
}

async fn serve() -> Outcome {
    let mut input = BufReader::with_capacity(64 * 1024, tokio::io::stdin());
    let mut output = tokio::io::stdout();
    let (mut line, mut answer) = (Vec::new(), Vec::new());
    loop {
        line.clear();
        if input.read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        let call: wire::Call<'_> = serde_json::from_slice(&line)?;
        let Some(id) = call.id else { continue };
        answer.clear();
        wire::write_answer(&call, id, &mut answer)?;
        output.write_all(&answer).await?;
        output.flush().await?;
    }
}
