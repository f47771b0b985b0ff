//! Faults of the process: how it starts, dies, lingers, and treats its pipes.

use std::io::{self, Write};
use std::thread::sleep;
use std::time::Duration;

use super::script::{each, each_call, say};

/// Killed with a call open.
// FAULT C-1.
pub(super) fn kill_self_mid_call() -> io::Result<()> {
    each_call(|_| {
        io::stderr().write_all(b"out of memory, so to speak\n")?;
        kill_self()
    })
}

#[cfg(unix)]
fn kill_self() -> io::Result<()> {
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL)?;
    Ok(())
}

#[cfg(not(unix))]
fn kill_self() -> io::Result<()> {
    std::process::abort()
}

/// No stdout any more, but alive.
// FAULT C-2.
pub(super) fn close_stdout() -> io::Result<()> {
    each_call(|_| drop_stdout())
}

#[cfg(unix)]
fn drop_stdout() -> io::Result<()> {
    // Descriptor 1 now names stderr, so the pipe that it named has no writer left.
    rustix::stdio::dup2_stdout(io::stderr())?;
    Ok(())
}

#[cfg(not(unix))]
fn drop_stdout() -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "stdout cannot be closed here"))
}

/// Gone before the reply is read.
// FAULT C-3.
pub(super) fn exit_after_reply() -> io::Result<()> {
    each_call(|ask| {
        say(&ask.answer())?;
        std::process::exit(0)
    })
}

/// More on stderr than any pipe holds.
// FAULT C-11.
pub(super) fn stderr_flood() -> io::Result<()> {
    let line = [&[b'.'; 1023][..], b"\n"].concat();
    each(|ask| {
        let mut stderr = io::stderr().lock();
        for _ in 0..8 << 10 {
            stderr.write_all(&line)?;
        }
        say(&ask.answer())
    })
}

/// Reads the opening, and never again.
// FAULT C-12.
pub(super) fn never_reads() -> io::Result<()> {
    each(|ask| {
        say(&ask.answer())?;
        if matches!(ask.method.as_str(), "server/discover" | "initialize") { forever() } else { Ok(()) }
    })
}

/// A grandchild inherits the pipes and outlives this process. The reply to a call names it.
// FAULT C-15.
pub(super) fn grandchild() -> io::Result<()> {
    each_call(|ask| {
        // It is meant to be left behind: nobody waits for it here.
        let left_behind = std::process::Command::new("sleep").arg("600").spawn()?;
        say(&ask.echoed(&left_behind.id().to_string()))?;
        std::process::exit(0)
    })
}

/// Neither the end of stdin nor SIGTERM ends it.
// FAULT C-16.
pub(super) fn ignores_term() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let _guard = runtime.enter();
    // A handler that is never asked takes the signal and does nothing.
    #[cfg(unix)]
    let _ignored = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    each(|ask| say(&ask.answer()))?;
    forever()
}

/// A start that takes longer than a call may.
// FAULT C-22.
pub(super) fn slow_start() -> io::Result<()> {
    sleep(Duration::from_secs(2));
    each(|ask| say(&ask.answer()))
}

fn forever() -> io::Result<()> {
    loop {
        sleep(Duration::from_secs(3600));
    }
}
