//! Who waits for memory, and who does not.

use futures::FutureExt;
use tokio::time::advance;

use super::*;

const MIB: usize = 1 << 20;

/// A holder of this connection that can be cut, but keeps its memory.
fn stuck(holders: &Holders, link: u64, bytes: usize) -> (Arc<Holder>, Bytes) {
    let holder = holders.begin(&BudgetKey::new(Owner::anonymous(), link));
    holder.cut_by(Cut::Task(AbortHandle::new_pair().0));
    let text = holder.try_charge(&vec![0; bytes].into()).unwrap();
    (holder, text)
}

// FAULT F-A7: an answer that waits for memory holds its own, which no budget counts.
#[tokio::test(start_paused = true)]
async fn a_quarter_of_the_budget_may_wait() {
    let holders = Holders::new("test", 16 * MIB as u64);
    // Three connections hold nearly all, and are cut one after the other.
    let slow: Vec<_> = (0..3).map(|link| stuck(&holders, link, 5 * MIB)).collect();
    advance(STILL).await;
    let newcomer = |link: u64| holders.begin(&BudgetKey::new(Owner::anonymous(), 10 + link));
    let large = Bytes::from(vec![0; 3 * MIB]);
    let (first, second, third) = (newcomer(0), newcomer(1), newcomer(2));
    let mut waits = Box::pin(first.charge(&large));
    assert!((&mut waits).now_or_never().is_none(), "it waits for what is cut");
    let full = second.charge(&large).now_or_never().expect("it does not wait").unwrap_err();
    assert_eq!((full.name, full.unit), ("test", mcp_core::transport::budget::Unit::Bytes));
    let small = Bytes::from(vec![0; 48 << 10]);
    let mut filler = third.nothing();
    while filler.take(16 << 10).is_ok() {}
    let mut waits_too = Box::pin(third.charge(&small));
    assert!((&mut waits_too).now_or_never().is_none(), "small answers always wait");
    drop(slow);
    assert!(waits.await.is_ok());
    assert!(waits_too.await.is_ok());
    assert_eq!(holders.0.waiting.load(Ordering::Relaxed), 0);
}
