//! Promise 5: errors are messages, and payloads are not changed.

use bytes::Bytes;

use crate::compliance::bench::Bench;
use crate::compliance::hub::{Hub, Reading, Seen};
use crate::compliance::traffic::{self, describe};
use crate::compliance::{CannotCarry, Stop, Verdict, ensure, fail};
use mcp_core::message::{ErrorObject, Message, RawJson, Response};
use mcp_core::transport::{AnsweredBy, ErrorChain, Inbound};

/// Every code, from handlers and from the protocol, independent of the status that a carrier assigns to it.
pub(super) async fn error_objects(bench: &Bench<'_>) -> Verdict {
    let mut rig = bench.open().await?;
    let codes = [-32700, -32600, -32601, -32602, -32603, -32002, -32020, -32021, -32022, -32042, 1, 0];
    for (n, code) in codes.into_iter().enumerate() {
        for answered_by in [AnsweredBy::Handler, AnsweredBy::Protocol] {
            let mut error = ErrorObject::new(code, "no, and \"why\"\n");
            error.data = match n % 3 {
                0 => None,
                1 => Some(RawJson::NULL),
                _ => Some(traffic::numbered(n)),
            };
            let lane = rig.call(1, traffic::numbered(n)).await?;
            let asked = rig.at_server().await?;
            let out = traffic::out(rig.dialect, traffic::error(1.into(), error.clone()), asked.lane, true);
            rig.answer_raw(&asked, out.answered_by(answered_by)).await?;
            bench.wait(format!("the error {code} at the client"));
            match rig.client_event().await {
                Seen::In(Inbound::Message {
                    message: Message::Response(Response { outcome: Err(seen), .. }),
                    lane: on,
                    ..
                }) => {
                    rig.check_lane(on, lane)?;
                    ensure(seen == error, || format!("the error {error:?} came as {seen:?}"))?;
                }
                other => return fail(format!("the error {code} ({answered_by:?}) came as {other:?}")),
            }
        }
    }
    rig.round_trip(1).await
}

/// Numbers keep their digits, strings their escapes, and objects their order and their duplicates.
pub(super) async fn payloads(bench: &Bench<'_>) -> Verdict {
    let deep = format!("{{\"deep\":{}1{}}}", "[".repeat(90), "]".repeat(90));
    let texts = [
        r#"{"f":2.50e-308,"u":18446744073709551615,"z":-0.0,"b":1E400}"#,
        r#"{"s":"\u00e9\ud83d\ude00\/","t":"é😀","n":null,"e":{},"a":[]}"#,
        r#"{"z":1,"a":2,"dup":1,"dup":2}"#,
        deep.as_str(),
    ];
    let mut rig = bench.open().await?;
    for text in texts {
        let payload = RawJson::parse(text.to_owned())
            .map_err(|error| Stop::Fail(format!("the kit cannot read {text}: {error}")))?;
        let lane = rig.call(1, payload.clone()).await?;
        let asked = rig.at_server().await?;
        let seen = traffic::payload(&asked.message);
        ensure(seen.as_ref() == Some(&payload), || {
            format!("the payload {text} came to the server in a {}", describe(&asked.message))
        })?;
        rig.reply(&asked, traffic::result(1.into(), payload.clone())).await?;
        let (on, message) = rig.at_client().await?;
        rig.check_lane(on, lane)?;
        ensure(traffic::payload(&message).as_ref() == Some(&payload), || {
            format!("the payload {text} came to the client in a {}", describe(&message))
        })?;
    }
    Ok(())
}

/// Each input that is not a message is reported once, and does not end a link that can continue.
// FAULT C-8.
pub(super) async fn bad_input(bench: &Bench<'_>) -> Verdict {
    let (mut hub, gather) = Hub::new(Reading::Plain);
    let wire = bench.fixture.wire(gather).await;
    let Some(mut wire) =
        wire.map_err(|error| Stop::Fail(format!("no wire: {}", ErrorChain::new(&*error))))?
    else {
        return Err(Stop::Skip("the fixture cannot feed raw input"));
    };
    let bad: [&[u8]; 5] =
        [b"{", b"7", b"{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"a\"}", b"\xff\xfe", b"{}"];
    for text in bad {
        let shown = String::from_utf8_lossy(text).into_owned();
        bench.wait(format!("the wire to accept {shown}"));
        match wire.write(Bytes::from_static(text)).await {
            Ok(()) => {}
            Err(error) if error.is::<CannotCarry>() => continue,
            Err(error) => {
                return fail(format!("the wire did not accept {shown}: {}", ErrorChain::new(&*error)));
            }
        }
        bench.wait(format!("Refused at the server, after {shown}"));
        match hub.next().await {
            (_, Seen::In(Inbound::Refused { .. })) => {}
            (_, other) => return fail(format!("at the server, in place of Refused for {shown}: {other:?}")),
        }
    }
    let good = Bytes::from_static(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}");
    let written = wire.write(good).await;
    written.map_err(|error| {
        Stop::Fail(format!("the wire failed after bad input: {}", ErrorChain::new(&*error)))
    })?;
    bench.wait("a good message at the server, after bad ones");
    match hub.next().await {
        (_, Seen::In(Inbound::Message { .. })) => Ok(()),
        (_, other) => fail(format!("after bad input, in place of a message: {other:?}")),
    }
}
