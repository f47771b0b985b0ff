//! The conversation passes over transports that keep the promises, and names the step that fails over others.

use super::*;
use crate::broken::{self, Flaw};
use crate::compliance::pairs;
use mcp_core::transport::{Binding, memory};

#[tokio::test(start_paused = true)]
async fn both_eras_talk_over_streams_and_exchanges() {
    let exchanges = Binding::new("exchanges").continuous(true);
    let topics = Binding::STREAM.named("topics").ordered(false);
    for binding in [Binding::STREAM, exchanges, topics] {
        let fixture = pairs(binding.name, move || async move { Ok(memory::pair(binding)) });
        run(&fixture).await.assert_passed();
    }
}

/// A flaw that a conversation meets is named by the step that stops.
#[tokio::test(start_paused = true)]
async fn a_broken_transport_stops_the_conversation_with_a_readable_report() {
    let flaw = Flaw::LastOnly;
    let fixture = pairs("broken", move || async move { Ok(broken::pair(flaw, flaw.binding())) });
    let text = run(&fixture).await.to_string();
    assert!(text.starts_with("broken: a conversation of 16 steps, "), "{text}");
    assert!(text.contains("   pass  call\n   FAIL  progress: the progress was []\n"), "{text}");

    let fixture =
        pairs("none", || async { Err::<(memory::End, memory::End), _>("the port is in use".into()) });
    let text = run(&fixture).await.to_string();
    assert!(text.contains("2026-07-28\n   FAIL  connect: the fixture did not start: the port is"), "{text}");
    assert!(text.contains("   none  close: it was not reached\n2025-11-25\n"), "{text}");
}
