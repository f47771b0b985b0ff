//! Our server behind nginx with TLS, by the configuration in `docs/deploying.md`.

use std::path::Path;

use mcp_http::HttpClient;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use super::demo;
use super::process::Process;
use super::servers::{Peer, Reach};
use crate::fixtures::{self, Program};

/// The page that users copy from.
const GUIDE: &str = include_str!("../../../docs/deploying.md");

/// The name in that page.
const NAME: &str = "mcp.example.com";

/// How nginx is configured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Front {
    /// As the page says.
    AsTheGuideSays,
    /// With the buffering that is its default.
    Buffering,
    /// With HTTP/2.
    Http2,
    /// Before two replicas, by the upstream block of the page.
    Replicas,
}

/// Everything but the block in the page. It stays one process, so that its files are its user's.
const AROUND: &str = "
daemon off;
master_process off;
error_log stderr notice;
pid {folder}/nginx.pid;
events {}
http {
    access_log /dev/stdout;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {server}
}
";

/// Starts our server and nginx before it. Our client finds nginx at a Unix socket, by its public name.
pub(super) async fn before_our_server(front: Front, folder: &Path) -> Option<Peer> {
    let nginx = fixtures::nginx()?;
    let (url, server) = demo::start(&["-v", "--allow-host", NAME]).await?;
    let mut processes = vec![server];
    let mut replicas = String::new();
    if front == Front::Replicas {
        let (other, second) = demo::start(&["-v", "--allow-host", NAME]).await?;
        replicas = upstreams(&[&url, &other]);
        processes.push(second);
    }
    let authority = certificates(folder);
    let upstream = url.strip_suffix("/mcp").unwrap();
    let file = folder.join("nginx.conf");
    std::fs::write(&file, configuration(front, folder, upstream, &replicas)).unwrap();
    let args = ["-p".into(), folder.into(), "-e".into(), "stderr".into(), "-c".into(), file.into()].into();
    // By then it listens.
    let (front, _) = Process::start(&Program { path: nginx, args }, &[], " event method").await;
    let client = HttpClient::unix(folder.join("socket"), &format!("https://{NAME}/mcp")).unwrap();
    let client = client.configure(|config| config.net.tls.extra_roots = vec![authority]);
    processes.insert(0, front);
    Some(Peer { reach: Reach::Url(client), processes, cluster: None })
}

/// Writes a certificate for the name, and its key; gives the authority that signed it.
fn certificates(folder: &Path) -> Vec<u8> {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new([NAME.to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &authority).unwrap();
    std::fs::write(folder.join("mcp.pem"), certificate.pem()).unwrap();
    std::fs::write(folder.join("mcp.key"), key.serialize_pem()).unwrap();
    authority.pem().into_bytes()
}

/// The upstream block of the page, with the addresses of these replicas.
fn upstreams(urls: &[&str; 2]) -> String {
    let (_, rest) = GUIDE.split_once("```nginx\nupstream").unwrap();
    let (block, _) = rest.split_once("```").unwrap();
    let mut block = format!("upstream{block}");
    for (address, url) in ["10.0.0.1:8080", "10.0.0.2:8080"].iter().zip(urls) {
        assert_eq!(block.matches(address).count(), 1, "{address} in docs/deploying.md");
        block = block.replace(address, url.trim_start_matches("http://").trim_end_matches("/mcp"));
    }
    block
}

/// The block in the page, in which only what has to be of this machine is another, and all that nginx needs around it.
fn configuration(front: Front, folder: &Path, upstream: &str, replicas: &str) -> String {
    let (_, rest) = GUIDE.split_once("```nginx\n").unwrap();
    let (block, _) = rest.split_once("```").unwrap();
    let folder = folder.to_str().unwrap();
    let mut server = block.to_owned();
    let mut change = |from: &str, to: &str| {
        assert_eq!(server.matches(from).count(), 1, "{from:?} in docs/deploying.md");
        server = server.replace(from, to);
    };
    change("listen 443 ssl;", &format!("listen unix:{folder}/socket ssl;"));
    change("/etc/ssl/mcp.pem", &format!("{folder}/mcp.pem"));
    change("/etc/ssl/mcp.key", &format!("{folder}/mcp.key"));
    change("http://127.0.0.1:8080", if replicas.is_empty() { upstream } else { "http://mcp" });
    match front {
        Front::AsTheGuideSays | Front::Replicas => {}
        Front::Buffering => change("proxy_buffering off;", ""),
        Front::Http2 => change("socket ssl;", "socket ssl http2;"),
    }
    AROUND.replace("{server}", &format!("{replicas}\n{server}")).replace("{folder}", folder)
}
