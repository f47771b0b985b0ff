//! What a bridge holds on the heap for an idle client: the bytes that are live after a number of them, less those before,
//! for each. For legacy sessions and for clients of 2026-07-28, which have a server process each or share one. And the
//! resident memory of such a process.

use std::net::{SocketAddr, TcpStream};

use mcp_bench::idle::{growth, post, session, session_with};
use mcp_bench::{Arguments, Era, Outcome, run, wire};
use mcp_bridge::{Bridge, Policy, Upstream};
use mcp_core::transport::{Identity, async_trait};
use mcp_http::HttpServer;
use mcp_http::server::{Authenticate, Denied, RequestHead};
use mcp_stdio::ChildCommand;

#[global_allocator]
static HEAP: dhat::Alloc = dhat::Alloc;

const COUNTS: (usize, usize) = (20, 100);

/// Takes the word of each caller for who it is.
struct Named;

#[async_trait]
impl Authenticate for Named {
    async fn authenticate(&self, head: RequestHead<'_>) -> Result<Identity, Denied> {
        let name = head.headers.get("x-name").and_then(|name| name.to_str().ok());
        Ok(Identity::new(name.unwrap_or_default()))
    }
}

fn main() -> Outcome {
    let _profiler = dhat::Profiler::builder().testing().build();
    let arguments = Arguments::read()?;
    run(&arguments, async {
        println!("Live heap of a bridge, bytes for each idle client, mean of {}:\n", COUNTS.1);
        println!("| server processes | legacy session | client of 2026-07-28 |\n|---|---|---|");
        for (title, policy) in [("one for each", Policy::PerSession), ("one for all", Policy::Shared)] {
            let behind = std::env::current_exe()?.with_file_name("our-server");
            let upstream = Upstream::new(move |_caller| ChildCommand::new(&behind).args(["--threads", "1"]));
            let bridge = Bridge::builder().upstream("echo", upstream.policy(policy)).limits(|limits| {
                (limits.upstreams, limits.starts) = (2 * (COUNTS.0 + COUNTS.1), 1000);
            });
            let bridge = bridge.build()?;
            let front = bridge.front("echo").ok_or("the bridge serves no such server")?;
            let server = HttpServer::new(front).authenticate(Named).bind("127.0.0.1:0").await?;
            let address = server.local_addr()?;
            let serving = tokio::spawn(server.serve_until(std::future::pending::<()>()));
            let (legacy, modern, resident) = tokio::task::spawn_blocking(move || measure(address)).await??;
            println!("| {title} | {legacy} | {modern} |");
            if policy == Policy::Shared {
                println!("\nA process, `our-server`, has {resident} KiB of resident memory.");
            }
            serving.abort();
            bridge.drain(std::time::Duration::ZERO).await;
        }
        Ok(())
    })
}

fn measure(address: SocketAddr) -> Outcome<(usize, usize, usize)> {
    // One connection for all, so that connections are not counted.
    let mut connection = TcpStream::connect(address)?;
    session(&mut connection, address)?;
    let mut number = 0;
    let mut named = || {
        number += 1;
        format!("x-name: {number}\r\n")
    };
    let (legacy, _) = growth(COUNTS, settled, || session_with(&mut connection, address, &named()))?;
    let arguments = Arguments { era: Era::Modern, bytes: 100, ..Arguments::read()? };
    let call = format!(r#"{{"jsonrpc":"2.0","id":1{}"#, wire::call_rest(&arguments));
    let (modern, _) = growth(COUNTS, settled, || {
        post(&mut connection, address, "tools/call", &format!("mcp-name: echo\r\n{}", named()), &call)
    })?;
    Ok((legacy, modern, resident()?))
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
