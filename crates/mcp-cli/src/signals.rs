//! SIGINT, SIGTERM, SIGQUIT and SIGHUP: the first ends the run in order, the second at once.

use tokio::sync::watch;

const SIGINT: i32 = 2;
#[cfg(unix)]
const SIGQUIT: i32 = 3;
#[cfg(unix)]
const SIGTERM: i32 = 15;
#[cfg(unix)]
const SIGHUP: i32 = 1;

/// The signals that came so far.
#[derive(Clone, Debug)]
pub(crate) struct Signals {
    seen: watch::Receiver<Seen>,
    /// How many came before, and do not count.
    past: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    count: u32,
    newest: i32,
}

impl Signals {
    /// Takes the signals over from now on. Needs a tokio runtime.
    pub(crate) fn watch() -> std::io::Result<Signals> {
        let (sender, receiver) = watch::channel(Seen::default());
        spawn(sender)?;
        Ok(Signals { seen: receiver, past: 0 })
    }

    /// The signals from now on: those that came before are dealt with.
    pub(crate) fn later(&self) -> Signals {
        let past = self.seen.borrow().count;
        Signals { seen: self.seen.clone(), past }
    }

    /// Waits for the first signal, and tells its number. Cancel-safe.
    pub(crate) async fn first(&self) -> i32 {
        self.nth(1).await
    }

    /// Waits for the second signal.
    pub(crate) async fn second(&self) -> i32 {
        self.nth(2).await
    }

    async fn nth(&self, count: u32) -> i32 {
        let mut seen = self.seen.clone();
        let count = self.past.saturating_add(count);
        match seen.wait_for(|seen| seen.count >= count).await {
            Ok(seen) => seen.newest,
            // Nobody watches any more, so no signal will come.
            Err(_) => std::future::pending().await,
        }
    }
}

fn add(sender: &watch::Sender<Seen>, number: i32) {
    sender.send_modify(|seen| {
        seen.count += 1;
        seen.newest = number;
    });
}

#[cfg(unix)]
fn spawn(sender: watch::Sender<Seen>) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut quit = signal(SignalKind::quit())?;
    let mut terminate = signal(SignalKind::terminate())?;
    // The terminal is closed. What was started by `nohup` continues.
    let mut hangup = if ignored(SIGHUP) { None } else { Some(signal(SignalKind::hangup())?) };
    tokio::spawn(async move {
        loop {
            let number = tokio::select! {
                Some(()) = interrupt.recv() => SIGINT,
                Some(()) = quit.recv() => SIGQUIT,
                Some(()) = terminate.recv() => SIGTERM,
                Some(()) = async { hangup.as_mut()?.recv().await } => SIGHUP,
                else => return,
            };
            add(&sender, number);
        }
    });
    Ok(())
}

/// Whether this process was started with the signal ignored. Only Linux tells.
#[cfg(unix)]
fn ignored(number: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask >> (number - 1) & 1 == 1
}

#[cfg(not(unix))]
fn spawn(sender: watch::Sender<Seen>) -> std::io::Result<()> {
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            add(&sender, SIGINT);
        }
    });
    Ok(())
}
