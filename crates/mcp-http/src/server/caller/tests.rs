//! Whose a request is, and what is shown of it.

use hyper::Request;

use super::*;

/// SESS-C-005: a printed request shows no session id, of either kind of session.
#[test]
fn a_request_is_shown_without_query_and_headers() {
    let request = Request::post("http://h.test/messages?sessionId=canary")
        .header("mcp-session-id", "canary")
        .body(())
        .unwrap();
    let head = Head::new(request.into_parts().0, Source::connection(Peer::Unknown, &[]).into());
    let caller = caller(head, None);
    let shown = format!("{:?} {caller:?}", caller.request);
    assert!(shown.contains("/messages") && !shown.contains("canary"), "{shown}");
}

fn caller(head: Head, identity: Option<Identity>) -> Box<Caller> {
    let key = head.key_of(identity.as_ref());
    Caller::new(head, identity, key)
}

/// FAULT F-S20, F-S15: what a proxy says counts on its own connections only.
#[test]
fn a_trusted_proxy_names_the_client() {
    let proxies = ["10.0.0.9".parse().unwrap()];
    let request = |peer: Peer| {
        let head = Request::post("/mcp")
            .header("host", "10.0.0.1:8080")
            .header("x-forwarded-for", "6.6.6.6, 192.0.2.7")
            .header("x-forwarded-proto", "https")
            .header("x-forwarded-host", "mcp.example.com")
            .header("x-forwarded-prefix", "/tools/")
            .body(())
            .unwrap();
        let source = Source::connection(peer, &proxies).into();
        caller(Head::new(head.into_parts().0, source).behind(&proxies), None)
    };
    for peer in [tcp("10.0.0.9:1"), Peer::Unix { uid: 1, gid: 1, pid: None }] {
        let caller = request(peer);
        assert_eq!(caller.request.peer(), tcp("192.0.2.7:0"));
        assert_eq!(caller.request.origin().as_deref(), Some("https://mcp.example.com"));
        assert_eq!(caller.request.prefix(), Some("/tools"));
        let key = caller.envelope.get::<BudgetKey>().unwrap();
        assert_eq!(key.owner, Owner::at_address([192, 0, 2, 7].into()));
    }
    let caller = request(tcp("192.0.2.1:5"));
    assert_eq!(caller.request.peer(), tcp("192.0.2.1:5"));
    assert_eq!(caller.request.origin().as_deref(), Some("http://10.0.0.1:8080"));
    assert_eq!(caller.request.prefix(), None);
}

fn tcp(address: &str) -> Peer {
    Peer::Tcp(address.parse().unwrap())
}

/// FAULT F-A9: callers without an identity are distinguished by their address, unless it is that of a proxy.
#[test]
fn an_address_has_a_share_unless_it_is_a_proxy() {
    let proxies = ["10.0.0.9".parse().unwrap()];
    let source = |peer| Source::connection(peer, &proxies).key.clone();
    let (first, second) = (source(tcp("192.0.2.7:1000")), source(tcp("[::ffff:192.0.2.7]:2000")));
    assert_eq!(first.owner, Owner::at_address([192, 0, 2, 7].into()));
    assert_eq!(first.owner, second.owner);
    assert_ne!(first.link, second.link);
    for peer in [tcp("10.0.0.9:1"), tcp("[::ffff:10.0.0.9]:1"), Peer::Unix { uid: 1, gid: 1, pid: None }] {
        assert_eq!(source(peer).owner, Owner::anonymous(), "{peer:?}");
    }
}

/// In a mounted service an address and a port are a connection, unless a layer says more.
#[test]
fn a_mounted_service_has_the_keys_of_the_layers_around_it() {
    let mut extensions = Extensions::new();
    let key = |extensions: &Extensions| Source::mounted(extensions, &[]).key.clone();
    assert_ne!(key(&extensions).link, key(&extensions).link);
    extensions.insert(tcp("192.0.2.7:1000"));
    let first = key(&extensions);
    assert_eq!(
        (first.link, &first.owner),
        (key(&extensions).link, &Owner::at_address([192, 0, 2, 7].into()))
    );
    extensions.insert(tcp("192.0.2.7:2000"));
    assert_ne!(key(&extensions).link, first.link);
    let own = BudgetKey::new(Owner::anonymous(), 7);
    extensions.insert(own.clone());
    assert_eq!(key(&extensions), own);
}

/// Everything that outlives a request belongs to the owner; a share too.
#[test]
fn the_identity_decides_the_owner_and_the_share() {
    let head =
        || Head::new(Request::new(()).into_parts().0, Source::connection(tcp("192.0.2.7:1"), &[]).into());
    let anonymous = caller(head(), None);
    assert_eq!(anonymous.owner, None, "an address proves nothing");
    let ada = Identity::new("ada").with_scopes(["a"]);
    let caller = caller(head(), Some(ada.clone()));
    assert_eq!(caller.owner, Some(ada.owner()));
    assert_eq!(caller.envelope.get::<BudgetKey>().unwrap().owner, ada.owner());
    assert_eq!(caller.envelope.get::<Identity>(), Some(&ada));
}

/// The memory of a request's headers serves the next answer of its connection, without what was in it; very large maps are
/// freed.
#[test]
fn the_memory_of_headers_is_used_again() {
    let source = Arc::new(Source::connection(Peer::Unknown, &[]));
    let request = |headers: usize| {
        let request = (0..headers)
            .fold(Request::post("/mcp"), |request, number| request.header(format!("x-{number}"), "canary"));
        Head::new(request.body(()).unwrap().into_parts().0, source.clone())
    };
    let kept = |headers: usize| {
        let caller = caller(request(headers), None);
        assert!(source.take_map().is_none(), "it is in use");
        let handler = caller.request.clone();
        drop(caller);
        assert!(source.take_map().is_none(), "a handler may look at it");
        drop(handler);
        source.take_map()
    };
    let map = kept(7).expect("a map");
    assert!(map.is_empty() && map.capacity() >= 7);
    assert!(source.take_map().is_none(), "only one answer gets it");
    assert!(kept(100).is_none());
}
