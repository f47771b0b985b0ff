//! What a bridge holds on the heap for an idle client whose legacy session has its own server process: the bytes that are
//! live after a number of them, less those before, for each; and the resident memory of such a process.

use std::net::{SocketAddr, TcpStream};

use mcp_bench::idle::{growth, session};
use mcp_bench::{Arguments, Outcome, run};
use mcp_bridge::{Bridge, Upstream};
use mcp_http::HttpServer;
use mcp_stdio::ChildCommand;

#[global_allocator]
static HEAP: dhat::Alloc = dhat::Alloc;

const COUNTS: (usize, usize) = (20, 100);

fn main() -> Outcome {
    let _profiler = dhat::Profiler::builder().testing().build();
    let arguments = Arguments::read()?;
    let behind = std::env::current_exe()?.with_file_name("our-server");
    run(&arguments, async {
        let upstream = Upstream::new(move |_caller| ChildCommand::new(&behind).args(["--threads", "1"]));
        let bridge = Bridge::builder().upstream("echo", upstream).limits(|limits| {
            (limits.upstreams, limits.starts) = (COUNTS.0 + COUNTS.1, 1000);
        });
        let bridge = bridge.build()?;
        let front = bridge.front("echo").ok_or("the bridge serves no such server")?;
        let server = HttpServer::new(front).bind("127.0.0.1:0").await?;
        let address = server.local_addr()?;
        tokio::spawn(server.serve_until(std::future::pending::<()>()));
        tokio::task::spawn_blocking(move || measure(address)).await??;
        bridge.drain(std::time::Duration::ZERO).await;
        Ok(())
    })
}

fn measure(address: SocketAddr) -> Outcome {
    let mut connection = TcpStream::connect(address)?;
    let (session, _) = growth(COUNTS, settled, || session(&mut connection, address))?;
    println!("Live heap of a bridge, bytes for each idle legacy session, mean of {}: {session}. ", COUNTS.1);
    println!("Its process, `our-server`, has {} KiB of resident memory.", resident()?);
    Ok(())
}

/// The heap once the bridge has done what it still had to do.
fn settled() -> usize {
    std::thread::sleep(std::time::Duration::from_millis(500));
    dhat::HeapStats::get().curr_bytes
}

/// The mean of the processes that this one has started, in KiB. On systems without `/proc`, 0.
fn resident() -> Outcome<usize> {
    let (mut count, mut sum) = (0, 0);
    for task in std::fs::read_dir("/proc/self/task")? {
        let children = std::fs::read_to_string(task?.path().join("children")).unwrap_or_default();
        for child in children.split_whitespace() {
            let status = std::fs::read_to_string(format!("/proc/{child}/status")).unwrap_or_default();
            let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
            let number = line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok());
            count += 1;
            sum += number.unwrap_or_default();
        }
    }
    Ok(sum.checked_div(count).unwrap_or_default())
}
