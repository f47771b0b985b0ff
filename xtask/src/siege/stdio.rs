//! Attacks on a server's stdin and stdout, where the attacker is the only peer.

use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, Stdio};
use std::sync::mpsc;
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use super::http1::batch_of;
use super::target::{Target, limited};
use super::{Attack, Ground, Report, wire};
use crate::Outcome;

pub(super) const ATTACKS: &[Attack] = &[
    Attack {
        name: "stdio-batch",
        about: "A3: a batch of 200 answers of 15 MiB beside a slow one",
        run: batch,
    },
    Attack { name: "stdio-unread-answers", about: "A7: 400 answers of 15 MiB, none read", run: unread },
];

/// Starts a server, shakes hands, and lets a thread write. Whether the writer was done, and the report.
fn besiege(
    ground: &Ground,
    hello: &str,
    write: impl FnOnce(ChildStdin) -> std::io::Result<()> + Send + 'static,
) -> Outcome<Report> {
    let mut command = limited(&ground.program);
    command.arg("serve-demo").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut target = Target::start(&mut command)?;
    let mut stdin = target.child.stdin.take().ok_or("the server has no stdin")?;
    let mut stdout = BufReader::new(target.child.stdout.take().ok_or("the server has no stdout")?);
    writeln!(stdin, "{hello}").map_err(|error| error.to_string())?;
    let mut line = String::new();
    stdout.read_line(&mut line).map_err(|error| error.to_string())?;
    if !line.contains("result") {
        return Err(format!("the server did not begin: {line}"));
    }
    let (done, is_done) = mpsc::channel();
    spawn(move || done.send(write(stdin)));
    let end = Instant::now() + ground.time;
    // Nothing of stdout is read, and it stays open.
    let written = is_done.recv_timeout(ground.time);
    sleep(end.saturating_duration_since(Instant::now()));
    let (peak, died) = target.stop();
    drop(stdout);
    let remark = match written {
        Ok(Ok(())) => "everything was written",
        Ok(Err(_)) => "the server closed its stdin",
        Err(_) => "the server stopped reading",
    };
    Ok(Report { peak, wait: None, faults: died.into_iter().collect(), remark: remark.to_owned() })
}

fn batch(ground: &Ground) -> Outcome<Report> {
    let (hello, batch) = batch_of("2025-03-26", 200);
    besiege(ground, &hello, move |mut stdin| {
        writeln!(stdin, r#"{{"jsonrpc":"2.0","method":"notifications/initialized"}}"#)?;
        writeln!(stdin, "{batch}")?;
        // The end of stdin would end the server.
        sleep(Duration::from_secs(3600));
        drop(stdin);
        Ok(())
    })
}

fn unread(ground: &Ground) -> Outcome<Report> {
    let hello = wire::message(0, "server/discover", "");
    besiege(ground, &hello, |mut stdin| {
        for id in 1..=400 {
            writeln!(
                stdin,
                "{}",
                wire::message(id, "tools/call", &wire::calling("big", r#"{"bytes":15728640}"#))
            )?;
        }
        sleep(Duration::from_secs(3600));
        drop(stdin);
        Ok(())
    })
}
