//! One HTTP request and its answer, over a connection for itself, with headers as they are given.

#![expect(clippy::indexing_slicing, reason = "lengths were compared before, or are what was read")]

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mcp_http::rustls;
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};

use super::reply::Reply;
use crate::connect::remote::Remote;
use crate::exit::{Code, Failure};

/// The most of an answer that is read, in bytes.
const MOST: usize = 16 << 20;

/// How long an open stream is read after its head.
const STREAM: Duration = Duration::from_millis(300);

/// Where the endpoint is, and what every request has.
pub(crate) struct Endpoint {
    host: String,
    port: u16,
    /// The value of `Host`.
    pub(crate) authority: String,
    path: String,
    tls: Option<Arc<rustls::ClientConfig>>,
    /// Credentials and the user's own headers.
    fixed: Vec<(String, String)>,
    pub(crate) loopback: bool,
    limit: Duration,
}

trait Wire: Read + Write {}

impl<T: Read + Write> Wire for T {}

impl Endpoint {
    pub(crate) fn new(remote: &Remote, limit: Duration) -> Result<Endpoint, Failure> {
        let client = remote.client()?;
        let url = client.url();
        if let Some(proxy) = client.proxy() {
            return Err(Failure::usage(format!(
                "check talks to the server directly, not through the proxy {proxy}"
            ))
            .hint("set NO_PROXY for this host"));
        }
        let https = url.scheme_str() == Some("https");
        let host = url.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let credentials = &remote.config.credentials;
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let mut fixed: Vec<(String, String)> = credentials
            .headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), text(value.as_bytes())))
            .collect();
        if let Some(bearer) = &credentials.bearer {
            fixed.push(("authorization".to_owned(), format!("Bearer {}", bearer.expose())));
        }
        fixed.push(("user-agent".to_owned(), concat!("mcp/", env!("CARGO_PKG_VERSION")).to_owned()));
        let tls = https.then(|| tls(remote)).transpose()?;
        Ok(Endpoint {
            port: url.port_u16().unwrap_or(if https { 443 } else { 80 }),
            authority: url.authority().map(|authority| authority.as_str().to_owned()).unwrap_or_default(),
            path: url.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
            loopback: crate::connect::remote::target_kind::is_loopback(&host),
            host,
            tls,
            fixed,
            limit,
        })
    }

    /// Sends a request. `headers` go before those of every request; a name with an empty value is left out.
    pub(crate) fn send(
        &self,
        method: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> Result<Reply, Failure> {
        let mut all: Vec<(&str, &str)> = headers.to_vec();
        let mut add = |name: &'static str, value: &'static str| {
            if !all.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) {
                all.push((name, value));
            }
        };
        add(
            "accept",
            if method == "GET" { "text/event-stream" } else { "application/json, text/event-stream" },
        );
        add("accept-encoding", "identity");
        if body.is_some() {
            add("content-type", "application/json");
        }
        if !all.iter().any(|(known, _)| known.eq_ignore_ascii_case("host")) {
            all.push(("host", &self.authority));
        }
        all.extend(self.fixed.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let mut request = format!("{method} {} HTTP/1.1\r\n", self.path);
        for (name, value) in all.iter().filter(|(_, value)| !value.is_empty()) {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(body) = body {
            request.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        request.push_str("connection: close\r\n\r\n");
        request.push_str(body.unwrap_or_default());
        self.exchange(request.as_bytes(), method == "GET").map_err(|error| {
            let what = format!("no answer from {}: {error}", self.authority);
            let code = if error.kind() == ErrorKind::TimedOut { Code::Timeout } else { Code::Unreachable };
            Failure::new(code, what)
        })
    }

    fn connect(&self) -> io::Result<Box<dyn Wire>> {
        let mut last = io::Error::new(ErrorKind::NotFound, "the name has no address");
        for address in (self.host.as_str(), self.port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, self.limit) {
                Ok(stream) => {
                    // Short, so that the deadline is looked at.
                    stream.set_read_timeout(Some(Duration::from_millis(50)))?;
                    stream.set_write_timeout(Some(self.limit))?;
                    let Some(config) = &self.tls else { return Ok(Box::new(stream)) };
                    let name = ServerName::try_from(self.host.clone()).map_err(io::Error::other)?;
                    let session =
                        rustls::ClientConnection::new(config.clone(), name).map_err(io::Error::other)?;
                    return Ok(Box::new(rustls::StreamOwned::new(session, stream)));
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn exchange(&self, request: &[u8], stream: bool) -> io::Result<Reply> {
        let mut wire = self.connect()?;
        let end = Instant::now() + self.limit;
        write(&mut *wire, request, end)?;
        let mut read = Vec::new();
        let mut buffer = vec![0; 64 << 10];
        let mut quiet = None;
        loop {
            if let Some(reply) = parse(&read, false) {
                return Ok(reply);
            }
            let has_head = head_end(&read).is_some();
            match wire.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => read.extend_from_slice(&buffer[..length]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // Some servers leave TLS without its last word.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => break,
                Err(error) if read.is_empty() => return Err(error),
                Err(_) => break,
            }
            let now = Instant::now();
            // The stream of a GET stays open: its head is enough.
            if stream && has_head && now >= *quiet.get_or_insert(now + STREAM) {
                break;
            }
            if now >= end || read.len() > MOST {
                break;
            }
        }
        parse(&read, true).ok_or_else(|| {
            if read.is_empty() {
                io::Error::new(ErrorKind::TimedOut, "nothing came")
            } else {
                io::Error::new(ErrorKind::InvalidData, "the answer is not HTTP")
            }
        })
    }
}

fn write(wire: &mut dyn Wire, mut bytes: &[u8], end: Instant) -> io::Result<()> {
    while !bytes.is_empty() {
        match wire.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(length) => bytes = &bytes[length..],
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
                    && Instant::now() < end => {}
            Err(error) => return Err(error),
        }
    }
    loop {
        match wire.flush() {
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
                    && Instant::now() < end => {}
            flushed => return flushed,
        }
    }
}

fn tls(remote: &Remote) -> Result<Arc<rustls::ClientConfig>, Failure> {
    if remote.config.net.tls.insecure {
        return Err(Failure::usage("check does not go without the server's certificate")
            .hint("--ca-cert FILE trusts the certificates in FILE"));
    }
    let mut roots = rustls::RootCertStore::empty();
    let (_added, _unreadable) =
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    for pem in &remote.config.net.tls.extra_roots {
        let (_added, _unreadable) =
            roots.add_parsable_certificates(CertificateDer::pem_slice_iter(pem).flatten());
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::new(Code::Io, "TLS cannot be set up").because(error))?;
    Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}

fn head_end(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
}

/// The reply, if it is complete, or if nothing more comes.
fn parse(mut bytes: &[u8], ended: bool) -> Option<Reply> {
    let (end, head, status) = loop {
        let end = head_end(bytes)?;
        let head = String::from_utf8_lossy(bytes.get(..end)?);
        let status: u16 = head.strip_prefix("HTTP/1.")?.get(2..5)?.parse().ok()?;
        if status != 100 {
            break (end, head, status);
        }
        // A loop, because a peer may send any number of them.
        bytes = bytes.get(end..)?;
    };
    let mut lines = head.lines();
    lines.next();
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers: Vec<(String, String)> =
        headers.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect();
    let mut reply = Reply { status: Some(status), headers, ..Reply::default() };
    let rest = &bytes[end..];
    let chunked = reply.header("transfer-encoding").is_some_and(|value| value.contains("chunked"));
    let length = reply.header("content-length").and_then(|value| value.parse::<usize>().ok());
    let body = match (chunked, length) {
        (true, _) => match unchunk(rest) {
            (body, true) => body,
            (body, false) if ended => body,
            _ => return None,
        },
        (false, Some(length)) if rest.len() >= length => rest[..length].to_vec(),
        (false, None) if matches!(status, 204 | 304) => Vec::new(),
        _ if ended => rest.to_vec(),
        _ => return None,
    };
    reply.body = String::from_utf8_lossy(&body).into_owned();
    let text = reply.body.clone();
    if reply.media_type() == "text/event-stream" {
        for event in text.replace("\r\n", "\n").split("\n\n") {
            let data: Vec<&str> = event
                .lines()
                .filter_map(|line| line.strip_prefix("data:"))
                .map(|data| data.strip_prefix(' ').unwrap_or(data))
                .collect();
            if !data.is_empty() {
                reply.take(&data.join("\n"));
            }
        }
    } else {
        reply.take(text.trim());
    }
    Some(reply)
}

/// The body of these chunks, and whether the last one is there.
fn unchunk(mut bytes: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    loop {
        let Some(line) = bytes.windows(2).position(|two| two == b"\r\n") else { return (body, false) };
        let size = std::str::from_utf8(&bytes[..line])
            .ok()
            .and_then(|text| usize::from_str_radix(text.split(';').next()?.trim(), 16).ok());
        let Some(size) = size else { return (body, true) };
        bytes = &bytes[line + 2..];
        if size == 0 {
            return (body, true);
        }
        if bytes.len() < size.saturating_add(2) {
            body.extend_from_slice(&bytes[..bytes.len().min(size)]);
            return (body, false);
        }
        body.extend_from_slice(&bytes[..size]);
        bytes = &bytes[size + 2..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_whole() {
        let plain =
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n{\"id\":1}";
        assert!(parse(&plain[..plain.len() - 1], false).is_none());
        assert_eq!(parse(plain, false).unwrap().messages.len(), 1);
        let chunked = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n5\r\n: hi\n\r\nf\r\n\ndata: {\"id\":1}\r\n2\r\n\n\n\r\n0\r\n\r\n";
        assert!(parse(&chunked[..chunked.len() - 6], false).is_none());
        let reply = parse(chunked, false).unwrap();
        assert_eq!((reply.messages.len(), reply.status), (1, Some(200)), "{reply:?}");
        assert!(
            parse(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n", false)
                .is_some()
        );
    }

    /// A peer cannot exhaust the stack.
    #[test]
    fn interim_answers_are_skipped_however_many_there_are() {
        let mut text = "HTTP/1.1 100 Continue\r\n\r\n".repeat(100_000);
        assert!(parse(text.as_bytes(), true).is_none());
        text.push_str("HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n");
        assert_eq!(parse(text.as_bytes(), false).unwrap().status, Some(202));
    }
}
