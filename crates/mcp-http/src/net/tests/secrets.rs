//! Credentials: what is sent, what is refused, and that nothing shows them.

use hyper::header::{HeaderName, HeaderValue};
use tokio::join;

use super::authorize::Provider;
use super::*;
use crate::net::Proxy;

const CANARY: &str = "canary-7f3a";

fn header(name: &str, value: &str) -> (HeaderName, HeaderValue) {
    (name.parse().unwrap(), value.parse().unwrap())
}

fn at(url: &str, config: &Settings) -> Result<Net, HttpError> {
    Net::new(&url.parse::<Uri>().unwrap(), &config.net, &config.credentials)
}

/// SEC-C-006: every request carries the token, and it is never in the URL.
#[tokio::test]
async fn a_bearer_token_and_fixed_headers_go_with_every_request() {
    let mut config = settings(|c| c.credentials.bearer = Some(CANARY.into()));
    config.credentials.headers = vec![header("x-api-key", "key"), header("x-two", "1"), header("x-two", "2")];
    let (net, mut server) = scripted(&config);
    let client = async {
        for method in [Method::POST, Method::GET, Method::DELETE] {
            read(&net, Exchange { method, ..post("") }).await.unwrap();
        }
    };
    let server = async {
        let mut peer = server.accept().await;
        for _ in 0..3 {
            let request = peer.answer("ok").await;
            assert!(request.contains(&format!("authorization: Bearer {CANARY}\r\n")), "{request}");
            assert!(request.contains("x-api-key: key\r\nx-two: 1\r\nx-two: 2\r\n"), "{request}");
            assert!(!request.lines().next().unwrap().contains(CANARY));
        }
        peer
    };
    join!(client, server);
}

/// The transport's own headers and the hop-by-hop ones are not the user's to set.
#[test]
fn headers_of_the_transport_are_refused() {
    for name in [
        "Host",
        "Connection",
        "Keep-Alive",
        "Proxy-Connection",
        "Proxy-Authorization",
        "TE",
        "Trailer",
        "Transfer-Encoding",
        "Upgrade",
        "Expect",
        "Content-Length",
        "Content-Type",
        "Accept",
        "Accept-Encoding",
        "Last-Event-ID",
        "Mcp-Session-Id",
        "Mcp-Protocol-Version",
        "Mcp-Param-Region",
    ] {
        let config = settings(|c| c.credentials.headers = vec![header(name, CANARY)]);
        let error = at("https://server.test/", &config).err().expect(name);
        assert!(error.to_string().starts_with(&format!("header {}", name.to_lowercase())), "{error}");
        assert!(!format!("{error:?}").contains(CANARY));
    }
}

/// Credentials in a URL end up in logs; the error says where they belong, without showing them.
#[test]
fn user_info_in_the_url_is_refused() {
    for url in [
        format!("https://user:{CANARY}@server.test/mcp?q={CANARY}"),
        format!("https://{CANARY}@server.test/"),
    ] {
        let error = at(&url, &Settings::default()).err().unwrap();
        let text = format!("{error} {error:?}");
        assert!(text.contains("headers") && text.contains("bearer"), "{text}");
        assert!(!text.contains(CANARY), "{text}");
    }
}

/// Over http they cross the network in the clear: only loopback, or an explicit word, allows that.
#[test]
fn credentials_do_not_leave_the_machine_in_the_clear() {
    let secret = |change: &dyn Fn(&mut Settings)| {
        let mut config = settings(|c| c.net.proxy = Proxy::None);
        change(&mut config);
        config
    };
    let sensitive = || {
        let mut value = HeaderValue::from_static(CANARY);
        value.set_sensitive(true);
        (HeaderName::from_static("x-custom"), value)
    };
    let configs = [
        secret(&|c| c.credentials.bearer = Some(CANARY.into())),
        secret(&|c| c.credentials.authorize = Some(Arc::new(Provider::default()))),
        secret(&|c| c.credentials.headers = vec![header("authorization", CANARY)]),
        secret(&|c| c.credentials.headers = vec![header("cookie", CANARY)]),
        secret(&|c| c.credentials.headers = vec![header("x-api-key", CANARY)]),
        secret(&|c| c.credentials.headers = vec![sensitive()]),
    ];
    for mut config in configs {
        for far in [
            "http://server.test/",
            "http://10.0.0.1/",
            "http://localhost.evil.test/",
            "http://[2001:db8::1]/",
        ] {
            let error = at(far, &config).err().expect(far);
            assert!(matches!(error, HttpError::Setting { .. }), "{error}");
            assert!(!format!("{error} {error:?}").contains(CANARY));
        }
        for near in [
            "http://localhost:1/",
            "http://127.9.9.9/",
            "http://[::1]/",
            "http://a.localhost/",
            "http://[::ffff:127.0.0.1]/",
        ] {
            assert!(at(near, &config).is_ok(), "{near}");
        }
        config.credentials.allow_plain = true;
        assert!(at("http://server.test/", &config).is_ok());
    }
    let plain = secret(&|c| c.credentials.headers = vec![header("x-trace", "1")]);
    assert!(at("http://server.test/", &plain).is_ok());
}

/// A proxy on another machine is off loopback, whatever the server's own name is: through it credentials would cross
/// the network in the clear.
#[test]
fn credentials_do_not_reach_a_far_proxy_in_the_clear() {
    let with = |proxy: &str| {
        settings(|c| {
            c.credentials.bearer = Some(CANARY.into());
            c.net.proxy = Proxy::Url(proxy.to_owned());
        })
    };
    let error = at("http://localhost:1/", &with("http://proxy.test:3128")).err().unwrap();
    assert!(matches!(error, HttpError::Setting { .. }), "{error}");
    let mut open = with("http://proxy.test:3128");
    open.credentials.allow_plain = true;
    assert!(at("http://localhost:1/", &open).is_ok());
    for near in ["http://127.0.0.1:3128", "http://localhost:3128", "http://[::1]:3128"] {
        assert!(at("http://localhost:1/", &with(near)).is_ok(), "{near}");
    }
    // TLS hides them from the proxy.
    assert!(
        cfg!(not(feature = "tls")) || at("https://server.test/", &with("http://proxy.test:3128")).is_ok()
    );
}

/// A token that no header can hold is a clear error without the token.
#[test]
fn an_unfit_token_is_refused_without_showing_it() {
    for token in [format!("{CANARY}\r\nx: y"), format!("{CANARY}\n"), String::new()] {
        let config = settings(|c| c.credentials.bearer = Some(token.into()));
        let error = at("http://localhost/", &config).err().unwrap();
        let text = format!("{error} {error:?}");
        assert!(text.contains("bearer") && !text.contains(CANARY), "{text}");
    }
}

/// No setting, no answer and no error shows a secret.
#[tokio::test]
async fn nothing_shows_a_secret() {
    let config = settings(|c| c.credentials.bearer = Some(CANARY.into()));
    let (net, mut server) = scripted(&config);
    let proxy = Proxy::Url(format!("http://user:{CANARY}@proxy.test:3128"));
    let odd = Proxy::Url(format!("user:{CANARY}@proxy.test:3128"));
    assert_eq!(format!("{proxy:?} {odd:?}"), "Url(\"proxy.test:3128\") Url(\"proxy.test:3128\")");
    assert_eq!(format!("{:?}", config.credentials.bearer), "Some(***)");
    let client = async {
        for _ in 0..3 {
            let error = read(&net, post(CANARY)).await.unwrap_err();
            let text = format!("{error} {error:?}");
            assert!(!text.contains(CANARY) && !text.contains("key=1"), "{text}");
        }
    };
    let server = async {
        let mut peer = server.accept().await;
        peer.request().await;
        drop(peer);
        let mut peer = server.accept().await;
        peer.request().await;
        peer.say("nonsense\r\n\r\n").await;
        let mut peer = server.accept().await;
        peer.request().await;
        peer.say("HTTP/1.1 302 Found\r\nlocation: /?q=canary-7f3a\r\n\r\n").await;
    };
    join!(client, server);
}

/// FAULT F-C3: cookies go back to the server that set them, and nowhere into text; a setting or a header of the user's turns
/// them off.
#[tokio::test]
async fn cookies_are_sent_back() {
    for (cookies, own, wanted) in
        [(true, None, Some("lb=canary-7f3a")), (false, None, None), (true, Some("own=1"), Some("own=1"))]
    {
        let config = settings(|c| {
            c.credentials.cookies = cookies;
            c.credentials.headers.extend(own.map(|own| header("cookie", own)));
            c.credentials.allow_plain = true;
        });
        let (net, mut server) = scripted(&config);
        let client = async {
            for _ in 0..2 {
                let answer = net.send(post("a")).await.unwrap();
                assert_eq!(text(answer).await.unwrap(), "ok");
            }
        };
        let played = async {
            let mut peer = server.accept().await;
            peer.request().await;
            peer.say("HTTP/1.1 200 OK\r\nset-cookie: lb=canary-7f3a; Path=/; HttpOnly\r\ncontent-length: 2\r\n\r\nok").await;
            let request = peer.answer("ok").await;
            let sent = request.lines().find_map(|line| line.strip_prefix("cookie: "));
            assert_eq!(sent, wanted, "{request}");
            peer
        };
        join!(client, played);
    }
}

/// FAULT F-C3: firewalls refuse requests without `User-Agent`, and no body is wanted in another coding.
#[tokio::test]
async fn the_program_is_named() {
    const OWN: &str = concat!("mcp-http/", env!("CARGO_PKG_VERSION"));
    let program = settings(|c| c.net.user_agent = Some("my-program/1.0".to_owned()));
    let header = settings(|c| c.credentials.headers = vec![header("user-agent", "whole/2")]);
    let rows = [
        (Settings::default(), OWN.to_owned()),
        (program, format!("my-program/1.0 {OWN}")),
        (header, "whole/2".to_owned()),
    ];
    for (config, wanted) in rows {
        let (net, mut server) = scripted(&config);
        let played = async { server.accept().await.answer("ok").await };
        let (result, request) = join!(read(&net, post("a")), played);
        result.unwrap();
        let sent = request.lines().filter_map(|line| line.strip_prefix("user-agent: "));
        assert_eq!(sent.collect::<Vec<_>>(), [wanted], "{request}");
        assert!(request.contains("\r\naccept-encoding: identity\r\n"), "{request}");
    }
    let broken = settings(|c| c.net.user_agent = Some("a\nb".to_owned()));
    assert!(matches!(at("http://localhost/", &broken), Err(HttpError::Setting { .. })));
}
