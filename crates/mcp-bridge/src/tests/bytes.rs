//! Within one era payloads pass as they came.

use mcp_core::client::{CallOptions, Client, EraMode, InputMode};
use mcp_core::message::RawJson;
use mcp_core::transport::{Binding, memory};

use super::setup::{EXCHANGES, LEGACY, Setup, object, only, plain, raw};
use crate::Policy;

/// Numbers that do not fit, escapes, an order of members, unknown members, depth.
fn payload() -> String {
    let deep = format!("{}1{}", "[".repeat(110), "]".repeat(110));
    let long = "x".repeat(5 << 20);
    format!(
        r#"{{"z":18446744073709551616,"a":2.5e-308,"one":1.0,"nul":"\u0000\u0041\/","e":1E+2,"unknown":{{"b":null,"a":-0.0}},"deep":{deep},"long":"{long}"}}"#
    )
}

/// A client of the server itself.
async fn direct(setup: &Setup, era: EraMode) -> Client {
    let (connector, listener) = memory::connector(Binding::STREAM);
    tokio::spawn(listener.serve(setup.server.clone()));
    plain(era).connect(connector).await.unwrap()
}

/// D5: what comes through the bridge is what comes without it.
#[tokio::test(start_paused = true)]
async fn payloads_of_one_era_are_untouched() {
    for era in [LEGACY, EraMode::Modern] {
        for binding in [Binding::STREAM, EXCHANGES] {
            let setup = Setup::new(only(era), binding, Policy::PerSession);
            let (direct, bridged) = (direct(&setup, era).await, setup.client(era, binding).await);
            let mut outcomes = Vec::new();
            for client in [&direct, &bridged] {
                let echoed = client.request("x/echo", Some(raw(payload()))).await.unwrap();
                let payload = payload();
                assert!(echoed.raw().to_string().contains(&payload[1..payload.len() - 1]), "{era:?}");
                let listed = client.request("tools/list", None).await.unwrap();
                let failed = client.request("x/fail", object(r#"{"n":1.0}"#)).await.unwrap_err();
                let unknown = client.request("x/unknown", None).await.unwrap_err();
                let missing = client.read_resource("test:none").await.unwrap_err();
                let refused = client.request("x/refuse", None).await.unwrap_err();
                assert_eq!(refused.rpc().unwrap().code, -32050);
                let odd =
                    client.call("x/raw", None, CallOptions::new().input(InputMode::Pass)).await.unwrap();
                assert_eq!(odd.raw().to_string(), r#"{"odd":1.0,"resultType":"x/odd"}"#, "{era:?}");
                let errors = [failed, unknown, missing, refused].map(|error| error.rpc().cloned().unwrap());
                outcomes.push((echoed.raw().clone(), listed.raw().clone(), errors));
            }
            assert_eq!(outcomes[0], outcomes[1], "{era:?} {}", binding.name);
            let params = setup.seen.params.lock().clone();
            assert_eq!(params.len(), 2);
            // `_meta` has the protocol's keys; they differ in nothing, since both clients are the same.
            assert_eq!(params[0], params[1], "{era:?} {}", binding.name);
        }
    }
}

/// Members of `_meta` that are not the protocol's pass in every direction.
#[tokio::test(start_paused = true)]
async fn foreign_members_of_meta_pass() {
    for up in [LEGACY, EraMode::Modern] {
        for down in [LEGACY, EraMode::Modern] {
            let setup = Setup::new(only(up), Binding::STREAM, Policy::PerSession);
            let client = setup.client(down, Binding::STREAM).await;
            let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
            let params = format!(r#"{{"_meta":{{"traceparent":"{trace}","x.test/y":1.0}},"n":1.0}}"#);
            client.request("x/echo", Some(raw(params))).await.unwrap();
            let params = raw(setup.seen.params.lock()[0].clone());
            let own = params.member("_meta").unwrap();
            assert_eq!(own.member("traceparent").unwrap().to_text().unwrap(), trace);
            assert_eq!(own.member("x.test/y"), Some(raw("1.0")));
            let version = own.member("io.modelcontextprotocol/protocolVersion");
            assert_eq!(version, matches!(up, EraMode::Modern).then(|| RawJson::string("2026-07-28")));
        }
    }
}
